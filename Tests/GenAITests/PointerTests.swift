import GenAI
import Testing

/// Pointers name in a stream what they would name in the same answer at once.
@Suite struct PointerTests {
  private func read(_ api: ProviderAPI, _ answer: Answer, _ pointers: [String]) throws -> (
    whole: AnswerFacts, streamed: AnswerFacts
  ) {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: pointers, patterns: [])
    return (
      Sample.read(api, answer.body, options).answer,
      Sample.read(api, Sample.events(answer.records), contentType: "text/event-stream", options).answer
    )
  }

  /// The same answer at once and in pieces.
  struct Answer: Sendable {
    var body: String
    var records: [String]
  }

  private static let chat = Answer(
    body:
      #"{"id":"c1","model":"m1","choices":[{"index":0,"message":{"reasoning_content":"THINK","content":"SAID","#
      + #""tool_calls":[{"id":"t0","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"t1","function":{"name":"g","arguments":"{}"}}]},"#
      + #""logprobs":{"content":[{"token":"SAID"}]},"token_ids":[7],"finish_reason":"stop"},"#
      + #"{"index":1,"message":{"content":"OTHER"},"token_ids":[8],"finish_reason":"stop"}],"prompt_token_ids":[1]}"#,
    records: [
      #"{"id":"c1","model":"m1","choices":[{"index":1,"delta":{"content":"OT"}}],"prompt_token_ids":[1]}"#,
      #"{"choices":[{"index":0,"delta":{"reasoning_content":"TH"}}]}"#,
      #"{"choices":[{"index":0,"delta":{"reasoning_content":"INK","content":"SA"}}]}"#,
      #"{"choices":[{"index":0,"delta":{"content":"ID","tool_calls":[{"index":0,"id":"t0","function":{"name":"f","arguments":"{\"a\""}}]},"logprobs":{"content":[{"token":"SAID"}]},"token_ids":[7]}]}"#,
      #"{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}},{"index":1,"id":"t1","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"stop"}]}"#,
      #"{"choices":[{"index":1,"delta":{"content":"HER"},"token_ids":[8],"finish_reason":"stop"}]}"#, "[DONE]",
    ])

  @Test(
    "chat completions",
    arguments: [
      ["/choices/*/message/content"], ["/choices/0/message/content"], ["/choices/1/message/content"],
      ["/choices/*/message"], ["/choices/0"], ["/choices"], ["/choices/*/message/reasoning_content"],
      ["/choices/0/message/tool_calls"], ["/choices/0/message/tool_calls/1"],
      ["/choices/0/message/tool_calls/*/function/arguments"], ["/choices/0/message/tool_calls/0/id"],
      ["/choices/*/message/tool_calls/1/function/name"], ["/choices/*/logprobs"], ["/choices/*/token_ids"],
      ["/prompt_token_ids"], ["/id", "/model"], ["/*"], ["/choices/*/finish_reason"],
      ["/choices/2", "/content/0/text"],
    ])
  func chat(pointers: [String]) throws {
    let (whole, streamed) = try read(.chatCompletions, Self.chat, pointers)
    #expect(streamed == whole)
  }

  @Test("nothing of a streamed text is left")
  func text() throws {
    let choice = try read(.chatCompletions, Self.chat, ["/choices/*/message/content"]).streamed.choices[0]
    #expect(choice.text == "[redacted]" && choice.reasoning == "THINK")
    #expect(choice.logprobs == nil && choice.tokenIDs == nil)
  }

  @Test(
    "what might be meant is left out of a stream",
    arguments: ["/choices/*/message/content/0/text", "/choices/*/delta/content", "/choices/*/message/content/*"])
  func uncertain(pointer: String) throws {
    let streamed = try read(.chatCompletions, Self.chat, [pointer]).streamed
    #expect(streamed.choices.map(\.text) == ["[redacted]", "[redacted]"])
    #expect(streamed.choices.allSatisfy { $0.tokenIDs == nil && $0.logprobs == nil })
  }

  @Test(
    "members of streamed messages have names of their own",
    arguments: [
      (#"{"reasoning":"SECRET"}"#, "/choices/0/message/reasoning"),
      (#"{"audio":{"transcript":"SECRET"}}"#, "/choices/0/message/audio/transcript"),
      (
        #"{"content":[{"type":"text","text":"SECRET"},{"type":"thinking","thinking":"SECRET"}]}"#,
        "/choices/*/message/content"
      ),
      (#"{"refusal":"SECRET"}"#, "/choices/0/message/refusal"),
      (#"{"function_call":{"name":"f","arguments":"SECRET"}}"#, "/choices/0/message/function_call/arguments"),
      (
        #"{"tool_calls":[{"index":0,"custom":{"name":"f","input":"SECRET"}}]}"#,
        "/choices/0/message/tool_calls/*/custom/input"
      ),
      (
        #"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":{"q":"SECRET"}}}]}"#,
        "/choices/0/message/tool_calls/*/function/arguments/q"
      ),
      (
        #"{"tool_calls":[{"index":-1,"function":{"name":"f","arguments":"SECRET"}}]}"#,
        "/choices/*/message/tool_calls/*/function/arguments"
      ),
      (
        #"{"function_call":{"name":"g"},"tool_calls":[{"index":0,"function":{"name":"f","arguments":"SECRET"}}]}"#,
        "/choices/*/message/tool_calls/0/function/arguments"
      ),
      (
        #"{"function_call":{"name":"g","arguments":"SECRET"},"tool_calls":[{"index":-1,"function":{"name":"f"}}]}"#,
        "/choices/*/message/function_call/arguments"
      ),
    ])
  func members(delta: String, pointer: String) throws {
    let record = #"{"choices":[{"index":0,"delta":\#(delta)}]}"#
    let answer = Answer(body: #"{"choices":[{"index":0,"message":{}}]}"#, records: [record])
    #expect(!"\(try read(.chatCompletions, answer, ["/x"]).streamed)".contains("[redacted]"))
    #expect(!"\(try read(.chatCompletions, answer, [pointer]).streamed)".contains("SECRET"))
  }

  @Test(
    "token ids in the fields of a provider",
    arguments: [
      "/choices/*/provider_specific_fields/token_ids", "/choices/0/provider_specific_fields",
      "/choices/0/provider_specific_fields/*", "/choices/1/provider_specific_fields/token_ids",
    ])
  func providerFields(pointer: String) throws {
    let body =
      #"{"choices":[{"index":0,"message":{"content":"a"},"provider_specific_fields":{"token_ids":[7]}},"#
      + #"{"index":1,"message":{"content":"b"},"provider_specific_fields":{"token_ids":[8]}}]}"#
    let answer = Answer(body: body, records: [body.replacing("message", with: "delta")])
    let (whole, streamed) = try read(.chatCompletions, answer, [pointer])
    #expect(streamed == whole && whole.choices.contains { $0.tokenIDs == nil })
  }

  private static let messages = Answer(
    body:
      #"{"id":"m1","model":"c","type":"message","content":[{"type":"thinking","thinking":"hm"},{"type":"redacted_thinking","data":"x"},"#
      + #"{"type":"text","text":"A b"},{"type":"tool_use","id":"t","name":"f","input":{}},"#
      + #"{"type":"tool_use","id":"u","name":"g","input":{"x":1,"y":2}},"#
      + #"{"type":"web_search_tool_result","tool_use_id":"s","content":[{"title":"T"}]}],"stop_reason":"tool_use","#
      + #""usage":{"input_tokens":1,"output_tokens":9}}"#,
    records: [
      #"{"type":"message_start","message":{"id":"m1","model":"c","content":[],"usage":{"input_tokens":1,"output_tokens":1}}}"#,
      #"{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}"#,
      #"{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"x"}}"#,
      #"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"A "}}"#,
      #"{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"b"}}"#,
      #"{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"f","input":{}}}"#,
      #"{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"u","name":"g","input":{}}}"#,
      #"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"x\":1,"}}"#,
      #"{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"\"y\":2}"}}"#,
      #"{"type":"content_block_start","index":5,"content_block":{"type":"web_search_tool_result","tool_use_id":"s","content":[{"title":"T"}]}}"#,
      #"{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}}"#,
      #"{"type":"message_stop"}"#,
    ])

  @Test(
    "Anthropic messages",
    arguments: [
      "/content/*/text", "/content/2", "/content/1", "/content", "/content/*/thinking", "/content/3/input",
      "/content/4/input", "/content/4/input/x", "/content/*/input/*", "/content/4/name", "/content/*/id",
      "/content/5/content/0/title", "/content/5", "/id", "/stop_reason", "/usage",
    ])
  func messages(pointer: String) throws {
    let (whole, streamed) = try read(.messages, Self.messages, [pointer])
    #expect(streamed == whole)
  }

  @Test(
    "inputs of tools that the provider runs",
    arguments: ["/content/0/input", "/content/0/input/q", "/content/*/input/*", "/content/0", "/content/0/name"])
  func serverTools(pointer: String) throws {
    let answer = Answer(
      body: #"{"id":"m","content":[{"type":"server_tool_use","id":"s","name":"w","input":{"q":"SECRET","r":1}}]}"#,
      records: [
        #"{"type":"message_start","message":{"id":"m","content":[]}}"#,
        #"{"type":"content_block_start","index":0,"content_block":{"type":"server_tool_use","id":"s","name":"w","input":{}}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"q\":\"SEC"}}"#,
        #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"RET\",\"r\":1}"}}"#,
      ])
    let (whole, streamed) = try read(.messages, answer, [pointer])
    #expect(streamed == whole)
  }

  private static let responses: Answer = {
    let items = [
      #"{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]}"#,
      #"{"type":"message","status":"completed","content":[{"type":"output_text","text":"Hi","logprobs":[{"token":"Hi"}]}]}"#,
      #"{"type":"function_call","status":"completed","call_id":"k","name":"f","arguments":"{}"}"#,
      #"{"type":"web_search_call","id":"w","status":"completed","action":{"query":"q"}}"#,
    ]
    let body = #"{"id":"r1","model":"m","status":"completed","output":[\#(items.joined(separator: ","))]}"#
    let records = items.enumerated().map {
      #"{"type":"response.output_item.done","output_index":\#($0.offset),"item":\#($0.element)}"#
    }
    return Answer(body: body, records: records + [#"{"type":"response.completed","response":\#(body)}"#])
  }()

  @Test(
    "responses",
    arguments: [
      "/output/*/content/*/text", "/output/1/content/0", "/output/1", "/output", "/output/0/summary/*/text",
      "/output/*/arguments", "/output/*/name", "/output/2/call_id", "/output/3/action/query", "/output/3", "/id",
      "/output/*/content/*/logprobs",
    ])
  func responses(pointer: String) throws {
    var (whole, streamed) = try read(.responses, Self.responses, [pointer])
    // They are made of the types and states of items, which a stream keeps.
    (whole.finishReasons, streamed.finishReasons) = ([], [])
    for index in whole.choices.indices { whole.choices[index].finishReason = nil }
    for index in streamed.choices.indices { streamed.choices[index].finishReason = nil }
    #expect(streamed == whole)
  }

  @Test(
    "log probabilities in the records of a stream of responses",
    arguments: ["/item/content/*/logprobs", "/item/content/0/logprobs", "/item/*/*/logprobs/0/token", "/logprobs"],
    // With the record that holds the whole answer, and without.
    [0, 1])
  func responseLogprobs(pointer: String, dropped: Int) throws {
    var answer = Self.responses
    answer.records.removeLast(dropped)
    let all = try read(.responses, answer, ["/x"]).streamed.choices[0]
    let choice = try read(.responses, answer, [pointer]).streamed.choices[0]
    #expect(all.logprobs != nil && choice.logprobs == nil && choice.parts == all.parts)
  }

  @Test(
    "Gemini, as an event stream and as an array",
    arguments: [
      "/candidates/*/content/parts/*/text", "/candidates/0/content", "/candidates", "/candidates/0/content/parts/0",
    ])
  func gemini(pointer: String) throws {
    let records = ["Hel", "lo"].map {
      #"{"candidates":[{"index":0,"content":{"parts":[{"text":"\#($0)"}]}}],"responseId":"r"}"#
    }
    let whole = #"{"candidates":[{"index":0,"content":{"parts":[{"text":"Hello"}]}}],"responseId":"r"}"#
    let events = try read(.generateContent, Answer(body: whole, records: records), [pointer])
    #expect(events.streamed == events.whole)
    let array = try read(.generateContent, Answer(body: "[\(records.joined(separator: ","))]", records: []), [pointer])
    #expect(array.whole == events.whole)
  }

  @Test(
    "an array of Gemini is a document with places of its own",
    arguments: [
      ("/*/candidates/*/content", nil), ("/*/candidates/*/content/parts/*/text", "[redacted][redacted]"),
      ("/0/candidates", "lo"), ("/1/candidates/0/content/parts/0/text", "Hel[redacted]"), ("/*", nil),
      ("/candidates/*/content/parts/0/text", "[redacted]"), ("/2", "Hello"),
    ])
  func geminiArray(pointer: String, text: String?) throws {
    let records = ["Hel", "lo"].map { #"{"candidates":[{"index":0,"content":{"parts":[{"text":"\#($0)"}]}}]}"# }
    let answer = Answer(body: "[\(records.joined(separator: ","))]", records: [])
    #expect(try read(.generateContent, answer, [pointer]).whole.choices.first?.text == text)
  }

  @Test(
    "errors of Gemini in an array", arguments: ["/*/error/message", "/0/error/message", "/error/message"], [200, 400])
  func geminiError(pointer: String, status: Int) throws {
    var options = RecordingOptions()
    options.redaction = try Redaction(pointers: [pointer], patterns: [])
    let body = #"[{"error":{"code":400,"message":"SECRET","status":"INVALID_ARGUMENT"}}]"#
    let error = Sample.read(.generateContent, body, status: status, options).answer.error
    #expect(error?.message == "[redacted]" && error?.type == "INVALID_ARGUMENT")
  }

  @Test(
    "images of Gemini", arguments: ["/candidates/*/content/parts/*/inlineData/data", "/candidates/*/content/parts/*"])
  func media(pointer: String) throws {
    let body =
      #"{"candidates":[{"index":0,"content":{"parts":[{"inlineData":{"mimeType":"image/png","data":"SECRET"}}]}}]}"#
    let (whole, streamed) = try read(.generateContent, Answer(body: body, records: [body]), [pointer])
    #expect(streamed == whole && !"\(whole)".contains("SECRET"))
  }

  @Test("completions and errors in streams")
  func others() throws {
    let completions = Answer(
      body: #"{"choices":[{"index":0,"text":"ab","token_ids":[1]}]}"#,
      records: ["a", "b"].map { #"{"choices":[{"index":0,"text":"\#($0)"}]}"# })
    let (whole, streamed) = try read(.completions, completions, ["/choices/*/text"])
    #expect(streamed == whole && whole.choices[0].text == "[redacted]")
    let error = Answer(
      body: #"{"error":{"message":"m","type":"t"}}"#, records: [#"{"error":{"message":"m","type":"t"}}"#])
    let errors = try read(.chatCompletions, error, ["/error/message"])
    #expect(errors.streamed == errors.whole && errors.streamed.error?.message == "[redacted]")
  }
}
