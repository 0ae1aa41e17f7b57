import GenAI
import JSON
import Testing

/// What requests say, in the words of the conventions.
@Suite struct RequestContentTests {
  @Test("parts of chat messages")
  func chat() throws {
    let request =
      #"{"messages":[{"role":"developer","content":"d"},{"role":"user","name":"bob","content":[{"type":"text","text":"t"},"#
      + #"{"type":"image_url","image_url":{"url":"data:image/png;base64,QQ=="}},{"type":"input_audio","input_audio":{"data":"QUI=","format":"wav"}},"#
      + #"{"type":"file","file":{"file_id":"f1"}},{"type":"new","x":[1]}]},"#
      + #"{"role":"assistant","content":null,"refusal":"no","function_call":{"name":"f","arguments":"{not json"}},"#
      + #"{"role":"function","name":"f","content":"r"}],"stop":"x","n":2,"top_k":1.5,"#
      + #""tools":[{"type":"function","function":{"name":"g"}},{"type":"web_search"}]}"#
    try expect(
      .chatCompletions, request,
      #"[{"role":"developer","parts":[{"type":"text","content":"d"}]},"#
        + #"{"role":"user","parts":[{"type":"text","content":"t"},{"type":"blob","modality":"image","mime_type":"image/png","content":"QQ=="},"#
        + #"{"type":"blob","modality":"audio","mime_type":"audio/wav","content":"QUI="},{"type":"file","modality":"document","file_id":"f1"},"#
        + #"{"type":"new","x":[1]}],"name":"bob"},"#
        + #"{"role":"assistant","parts":[{"type":"text","content":"no"},{"type":"tool_call","name":"f","arguments":"{not json"}]},"#
        + #"{"role":"tool","parts":[{"type":"tool_call_response","id":"f","response":"r"}],"name":"f"}]"#)
    let facts = Sample.read(.chatCompletions, "{}", request: request).request
    #expect(facts.stopSequences == ["x"] && facts.choiceCount == 2 && facts.topK == 1.5)
    #expect(facts.tools.map(\.name) == ["g", "web_search"])
  }

  @Test("items of the Responses API; those of the model are one message")
  func responses() throws {
    try expect(
      .responses,
      #"{"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"https://x/y.png"}]},"#
        + #"{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},"#
        + #"{"type":"web_search_call","id":"w","status":"completed"},{"type":"function_call_output","call_id":"c","output":"o"}]}"#,
      #"[{"role":"user","parts":[{"type":"text","content":"a"},{"type":"uri","modality":"image","uri":"https://x/y.png"}]},"#
        + #"{"role":"assistant","parts":[{"type":"reasoning","content":"r"},{"type":"tool_call","id":"c","name":"f","arguments":{}},"#
        + #"{"type":"server_tool_call","id":"w","name":"web_search","server_tool_call":{"type":"web_search_call","id":"w","status":"completed"}}]},"#
        + #"{"role":"tool","parts":[{"type":"tool_call_response","id":"c","response":"o"}]}]"#)
  }

  @Test("blocks of Anthropic; results of tools are messages of the tool")
  func messages() throws {
    try expect(
      .messages,
      #"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"h","signature":"s"},{"type":"redacted_thinking","data":"x"},"#
        + #"{"type":"tool_use","id":"t","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","#
        + #""content":[{"type":"text","text":"r"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"QQ=="}}]},"#
        + #"{"type":"text","text":"go on"}]}]}"#,
      #"[{"role":"assistant","parts":[{"type":"reasoning","content":"h"},{"type":"tool_call","id":"t","name":"f","arguments":{"a":1}}]},"#
        + #"{"role":"tool","parts":[{"type":"tool_call_response","id":"t","response":[{"type":"text","content":"r"},"#
        + #"{"type":"blob","modality":"image","mime_type":"image/png","content":"QQ=="}]}]},"#
        + #"{"role":"user","parts":[{"type":"text","content":"go on"}]}]"#)
  }

  @Test("contents of Gemini, in both spellings")
  func gemini() throws {
    try expect(
      .generateContent,
      #"{"contents":[{"role":"user","parts":[{"text":"a"},{"inline_data":{"mime_type":"image/png","data":"QQ=="}}]},"#
        + #"{"role":"model","parts":[{"text":"h","thought":true},{"functionCall":{"name":"f","args":{"a":1}}}]},"#
        + #"{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"ok":true}}}]}]}"#,
      #"[{"role":"user","parts":[{"type":"text","content":"a"},{"type":"blob","modality":"image","mime_type":"image/png","content":"QQ=="}]},"#
        + #"{"role":"assistant","parts":[{"type":"reasoning","content":"h"},{"type":"tool_call","name":"f","arguments":{"a":1}}]},"#
        + #"{"role":"tool","parts":[{"type":"tool_call_response","id":"f","response":{"ok":true}}]}]"#)
  }

  @Test(
    "prompts of completions",
    arguments: [
      (#""a""#, 1), (#"["a","b"]"#, 2), ("[1,2]", 1), ("[[1],[2]]", 2), ("null", 0), ("{}", 1),
    ])
  func prompts(prompt: String, count: Int) {
    let facts = Sample.read(.completions, "{}", request: #"{"prompt":\#(prompt)}"#).request
    #expect(facts.messages.count == count)
  }

  @Test("the model of a Gemini call is in its path")
  func geminiPath() {
    for (path, model, isStream) in [
      ("/v1beta/models/gemini-x:generateContent", "gemini-x", false),
      ("/v1/projects/p/locations/l/publishers/google/models/g.1:streamGenerateContent?alt=sse", "g.1", true),
      ("/models/", nil, false), ("", nil, false),
    ] as [(String, String?, Bool)] {
      let reader = ExchangeReader(api: .generateContent, path: path, requestBody: [], options: RecordingOptions())
      let request = reader.finish(.timeout).request
      #expect(request.model == model && request.isStream == isStream, "\(path)")
    }
  }

  private func expect(_ api: ProviderAPI, _ request: String, _ messages: String) throws {
    let exchange = Sample.read(api, "{}", request: request)
    let span = try LLMCase.named("chat_basic").compose(exchange)[0]
    #expect(span.text("gen_ai.input.messages") == messages)
  }
}
