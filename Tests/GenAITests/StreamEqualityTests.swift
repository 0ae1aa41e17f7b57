import GenAI
import JSON
import Testing

/// A streamed answer and one at once that say the same give the same facts and the same span.
@Suite struct StreamEqualityTests {
  @Test("chat completions")
  func chat() throws {
    let body =
      #"{"id":"c1","model":"m1","choices":[{"index":0,"message":{"role":"assistant","reasoning_content":"think","#
      + #""content":"Hello 世","tool_calls":[{"id":"t1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]},"#
      + #""logprobs":{"content":[{"token":"a","logprob":-0.5},{"token":"b","logprob":-1}]},"finish_reason":"tool_calls","#
      + #""token_ids":[7,8]}],"prompt_token_ids":[1,2],"usage":{"prompt_tokens":2,"completion_tokens":2}}"#
    let records = [
      #"{"id":"c1","model":"m1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"prompt_token_ids":[1,2]}"#,
      #"{"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"thi"}}]}"#,
      #"{"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"nk"}}]}"#,
      #"{"choices":[{"index":0,"delta":{"content":"Hello "},"logprobs":{"content":[{"token":"a","logprob":-0.5}]},"token_ids":[7]}]}"#,
      #"{"choices":[{"index":0,"delta":{"content":"\u4e16","tool_calls":[{"index":0,"id":"t1","function":{"name":"f","arguments":"{\"a\""}}]},"token_ids":[8]}]}"#,
      #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"logprobs":{"content":[{"token":"b","logprob":-1}]}}]}"#,
      #"{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#,
      #"{"choices":[],"usage":{"prompt_tokens":2,"completion_tokens":2}}"#, "[DONE]",
    ]
    try expectEqual(.chatCompletions, body, records)
  }

  @Test("Anthropic messages")
  func messages() throws {
    let body =
      #"{"id":"m1","model":"c","type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"text","text":"A b"},"#
      + #"{"type":"tool_use","id":"t","name":"f","input":{}},{"type":"tool_use","id":"u","name":"g","input":{"x": 1}}],"#
      + #""stop_reason":"tool_use","usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":9}}"#
    let records = [
      #"{"type":"message_start","message":{"id":"m1","model":"c","content":[],"usage":{"input_tokens":1,"cache_read_input_tokens":2,"output_tokens":1}}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"xx"}}"#,
      #"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"u","name":"g","input":{}}}"#,
      #"{"type":"content_block_start","index":1,"content_block":{"type":"text","text":""}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"A "}}"#,
      #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}"#,
      #"{"type":"ping"}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"b"}}"#,
      #"{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
      #"{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":""}}"#,
      #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":" 1}"}}"#,
      #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
      #"{"type":"message_stop"}"#,
    ]
    try expectEqual(.messages, body, records)
  }

  @Test("Anthropic messages with tools that the provider runs, and cached tokens")
  func serverTools() throws {
    let result =
      #"{"type":"web_search_tool_result","tool_use_id":"s1","content":[{"type":"web_search_result","url":"u"}]}"#
    let usage =
      #"{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":7,"#
      + #""output_tokens_details":{"thinking_tokens":2},"service_tier":"standard"}"#
    let body =
      #"{"id":"m1","model":"c","type":"message","content":[{"type":"text","text":"Let me"},"#
      + #"{"type":"server_tool_use","id":"s1","name":"web_search","input":{"query": "weather \u4e16"}},"# + result + ","
      + #"{"type":"mcp_tool_use","id":"s2","name":"echo","server_name":"x","input":{"a":[1,{"b":"c"}]}},"#
      + #"{"type":"server_tool_use","id":"s3","name":"list","input":{}},{"type":"redacted_thinking","data":"R"},"#
      + #"{"type":"text","text":"Done","citations":[{"cited_text":"q"}]}],"stop_reason":"pause_turn","usage":\#(usage)}"#
    let records = [
      #"{"type":"message_start","message":{"id":"m1","model":"c","content":[],"usage":{"input_tokens":3,"output_tokens":1}}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Let me"}}"#,
      #"{"type":"content_block_start","index":1,"content_block":{"type":"server_tool_use","id":"s1","name":"web_search","input":{}}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":""}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"query\": \"wea"}}"#,
      #"{"type":"content_block_start","index":3,"content_block":{"type":"mcp_tool_use","id":"s2","name":"echo","server_name":"x","input":{}}}"#,
      #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":[1,{\"b\":"}}"#,
      #"{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"ther \\u4e16\"}"}}"#,
      #"{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"c\"}]}"}}"#,
      #"{"type":"content_block_start","index":2,"content_block":\#(result)}"#,
      #"{"type":"content_block_start","index":4,"content_block":{"type":"server_tool_use","id":"s3","name":"list","input":{}}}"#,
      #"{"type":"content_block_start","index":5,"content_block":{"type":"redacted_thinking","data":"R"}}"#,
      #"{"type":"content_block_delta","index":6,"delta":{"type":"citations_delta","citation":{"cited_text":"q"}}}"#,
      #"{"type":"content_block_delta","index":6,"delta":{"type":"text_delta","text":"Done"}}"#,
      #"{"type":"message_delta","delta":{"stop_reason":"pause_turn"},"usage":\#(usage)}"#, #"{"type":"message_stop"}"#,
    ]
    try expectEqual(.messages, body, records)
    let answer = Sample.read(.messages, body).answer
    #expect(answer.id == "m1" && answer.usage?.inputTokens == 12 && answer.usage?.cacheWriteInputTokens == 5)
  }

  @Test("an input that was cut is a string in its block")
  func cutInput() {
    let records = [
      #"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"w","input":{}}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}"#,
    ]
    let answer = Sample.read(.messages, Sample.events(records), contentType: "text/event-stream").answer
    let json = #"{"type":"server_tool_use","id":"s","name":"w","input":"{\"q\":"}"#
    #expect(answer.choices[0].parts == [.serverToolCall(id: "s", name: "w", json: json)])
  }

  /// The terminal record holds the answer; without it the items and pieces give the same.
  @Test("responses, with and without the last record", arguments: [true, false])
  func responses(isTerminated: Bool) throws {
    let output =
      #"[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},"#
      + #"{"type":"message","status":"completed","content":[{"type":"output_text","text":"Hi there"}]},"#
      + #"{"type":"function_call","status":"completed","call_id":"k","name":"f","arguments":"{}"}]"#
    let body = #"{"id":"r1","model":"m","status":"completed","output":\#(output)}"#
    var records = [
      #"{"type":"response.created","response":{"id":"r1","model":"m","status":"completed","output":[]}}"#,
      #"{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning","summary":[]}}"#,
      #"{"type":"response.reasoning_summary_text.delta","output_index":0,"summary_index":0,"delta":"r"}"#,
      #"{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[{"text":"r"}]}}"#,
      #"{"type":"response.output_item.added","output_index":1,"item":{"type":"message","status":"in_progress","content":[]}}"#,
      #"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"Hi "}"#,
      #"{"type":"response.output_text.delta","output_index":1,"content_index":0,"delta":"there"}"#,
      #"{"type":"response.output_item.done","output_index":1,"item":{"type":"message","status":"completed","content":[{"type":"output_text","text":"Hi there"}]}}"#,
      #"{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","status":"in_progress","call_id":"k","name":"f","arguments":""}}"#,
      #"{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{}"}"#,
      #"{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","status":"completed","call_id":"k","name":"f","arguments":"{}"}}"#,
    ]
    if isTerminated { records.append(#"{"type":"response.completed","response":\#(body)}"#) }
    try expectEqual(.responses, body, records)
  }

  @Test("Gemini, as an event stream and as an array")
  func gemini() throws {
    let first =
      #"{"candidates":[{"index":0,"content":{"parts":[{"text":"Hel"}]}}],"usageMetadata":{"promptTokenCount":1}}"#
    let second =
      #"{"candidates":[{"index":0,"content":{"parts":[{"text":"lo"},{"functionCall":{"name":"f","args":{"a":1}}}]},"#
      + #""finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":3},"modelVersion":"g"}"#
    let body = second.replacing(#""parts":[{"text":"lo"}"#, with: #""parts":[{"text":"Hello"}"#)
    try expectEqual(.generateContent, body, [first, second])
    try expectEqual(.generateContent, "[\(first),\(second)]", [first, second])
  }

  private func expectEqual(_ api: ProviderAPI, _ body: String, _ records: [String]) throws {
    let whole = Sample.read(api, body)
    let streamed = Sample.read(api, Sample.events(records), contentType: "text/event-stream")
    #expect(streamed.answer == whole.answer)
    #expect(!whole.answer.choices.isEmpty && !whole.answer.choices[0].parts.isEmpty)
    let example = LLMCase.named("chat_basic")
    for profile in SpanProfile.allCases {
      let spans = try example.compose(whole, profile)
      var others = try example.compose(streamed, profile)
      for index in others.indices {
        others[index].attributes["gen_ai.response.time_to_first_chunk"] = nil
      }
      #expect(others == spans)
    }
  }
}

/// Exchanges written for a test.
enum Sample {
  static func read(
    _ api: ProviderAPI, _ body: String, request: String = "{\"model\":\"m\"}", status: Int = 200,
    contentType: String? = "application/json", contentEncoding: String? = nil,
    _ options: RecordingOptions = RecordingOptions(), end: ExchangeEnd = .complete
  ) -> Exchange {
    read(
      api, Array(body.utf8), request: request, status: status, contentType: contentType,
      contentEncoding: contentEncoding, options, end: end)
  }

  static func read(
    _ api: ProviderAPI, _ body: [UInt8], request: String = "{\"model\":\"m\"}", status: Int = 200,
    contentType: String? = "application/json", contentEncoding: String? = nil,
    _ options: RecordingOptions = RecordingOptions(), end: ExchangeEnd = .complete
  ) -> Exchange {
    let reader = ExchangeReader(api: api, path: "/v1/x", requestBody: Array(request.utf8), options: options)
    reader.begin(status: status, contentType: contentType, contentEncoding: contentEncoding)
    reader.receive(body.span)
    return reader.finish(end)
  }

  static func events(_ records: [String], lineEnd: String = "\n") -> String {
    records.map { "data: \($0)\(lineEnd)\(lineEnd)" }.joined()
  }

  /// A stream of chat completions with these deltas of choice 0.
  static func chat(_ deltas: [String]) -> Exchange {
    let records = deltas.map { #"{"id":"c","choices":[{"index":0,"delta":\#($0)}]}"# }
    return read(.chatCompletions, events(records), contentType: "text/event-stream")
  }
}
