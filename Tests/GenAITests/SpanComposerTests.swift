import GenAI
import JSON
import Telemetry
import Testing

@Suite struct SpanComposerTests {
  @Test("scope, resource and schema are named")
  func envelope() throws {
    let example = LLMCase.named("chat_basic")
    let bytes = SpanComposer(profile: .genai, version: "1.2").compose(
      example.read(), example.context, level: .content
    ) { SpanID(value: 9) }
    let request = try DecodedRequest(bytes)
    #expect(request.resource == ["service.name": .text("fulgurite")])
    #expect(request.scopeName == "fulgurite.llm_proxy")
    #expect(request.scopeVersion == "1.2")
    #expect(request.schemaURL == "https://opentelemetry.io/schemas/gen-ai/1.42.0")
  }

  @Test("the context of the caller is kept")
  func context() throws {
    let example = LLMCase.named("chat_basic")
    var context = example.context
    context.parentID = SpanID(value: 5)
    context.traceState = "a=b"
    context.traceFlags = 3
    context.link = (TraceID(high: 8, low: 9), SpanID(value: 7))
    context.resendCount = 2
    context.attributes = [("session.id", .text("s")), ("n", .integer(-1))]
    let bytes = SpanComposer(profile: .genai, version: "1").compose(example.read(), context, level: .content) {
      SpanID(value: 9)
    }
    let span = try DecodedRequest(bytes).spans[0]
    #expect(span.traceID == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2])
    #expect(span.spanID == [0, 0, 0, 0, 0, 0, 0, 3])
    #expect(span.parentID == [0, 0, 0, 0, 0, 0, 0, 5])
    #expect(span.traceState == "a=b")
    #expect(span.flags == 0x303)
    #expect(span.links == [[[0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0, 0, 7]]])
    #expect(span.attributes["session.id"] == .text("s"))
    #expect(span.attributes["n"] == .integer(-1))
    #expect(span.attributes["http.request.resend_count"] == .integer(2))
    #expect(span.attributes["server.address"] == .text("provider.example"))
    #expect(span.attributes["server.port"] == .integer(443))
    #expect(span.start == 1_000_000_000 && span.end == 3_000_000_000)
  }

  @Test("messages and tools are JSON of the conventions")
  func content() throws {
    let span = try LLMCase.named("chat_tool_result_turn").compose()[0]
    #expect(
      span.text("gen_ai.input.messages")
        == #"[{"role":"user","parts":[{"type":"text","content":"Weather in Paris?"}]},"#
        + #"{"role":"assistant","parts":[{"type":"tool_call","id":"call_aaa111","name":"get_weather","arguments":{"city":"Paris"}}]},"#
        + #"{"role":"tool","parts":[{"type":"tool_call_response","id":"call_aaa111","response":"{\"temp_c\":18,\"sky\":\"rain\"}"}]}]"#
    )
    #expect(
      span.text("gen_ai.output.messages")
        == #"[{"role":"assistant","parts":[{"type":"text","content":"It is 18 °C and raining in Paris."}],"finish_reason":"stop"}]"#
    )
    let tools = try span.json("gen_ai.tool.definitions").elements
    #expect(tools.map { $0["name"]?.text } == ["get_weather"])
    #expect(tools[0]["type"] == .string("function") && tools[0]["parameters"]?["type"] == .string("object"))
  }

  @Test("what lies outside the messages is the system's instructions")
  func systemInstructions() throws {
    for name in ["responses_basic", "gemini_stream", "messages_cache_usage"] {
      let parts = try LLMCase.named(name).compose()[0].json("gen_ai.system_instructions").elements
      #expect(parts.count == 1 && parts[0]["type"] == .string("text"), "\(name)")
    }
  }

  @Test("embedded images are recorded up to a size")
  func blobs() throws {
    let example = LLMCase.named("chat_image_input")
    var span = try example.compose()[0]
    var parts = try span.json("gen_ai.input.messages").elements[0]["parts"]?.elements ?? []
    #expect(parts[1]["type"] == .string("blob") && parts[1]["mime_type"] == .string("image/png"))
    #expect(
      parts[2] == (try JSONValue(text: #"{"type":"uri","modality":"image","uri":"https://example.com/cat.png"}"#)))
    var options = RecordingOptions()
    options.blobBytes = 10
    span = try example.compose(example.read(nil, options))[0]
    parts = try span.json("gen_ai.input.messages").elements[0]["parts"]?.elements ?? []
    #expect(parts[1]["content"] == .string(""))
    #expect(parts[1]["sha256"]?.text?.count == 64)
    #expect(parts[1]["byte_count"] == .integer(96))
  }

  @Test("at the level of metadata nothing is recorded that was said", arguments: LLMCase.all)
  func metadata(of example: LLMCase) throws {
    let span = try example.compose(nil, .genai, .metadata)[0]
    let forbidden = [
      "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions",
      "prompt_token_ids", "response_token_ids", "logprobs.content",
    ]
    for key in forbidden { #expect(span.attributes[key] == nil) }
    var options = RecordingOptions()
    options.level = .metadata
    #expect(try example.compose(example.read(nil, options), .genai, .metadata)[0] == span)
  }

  @Test(
    "a call without an answer has its request and a reason",
    arguments: [
      (.connectError, "connect_error"), (.timeout, "timeout"), (.clientDisconnected, "client_disconnected"),
      (.invalidResponse, "invalid_response"), (.shutdown, "_OTHER"), (.truncated, "upstream_truncated"),
    ] as [(ExchangeEnd, String)])
  func failure(end: ExchangeEnd, errorType: String) throws {
    let example = LLMCase.named("chat_basic")
    let reader = ExchangeReader(
      api: example.api, path: example.path, requestBody: example.requestBody, options: RecordingOptions())
    let exchange = reader.finish(end)
    #expect(exchange.delivery.answerEnd == .none || exchange.delivery.status == nil)
    let span = try example.compose(exchange)[0]
    #expect(span.name == "chat gpt-4o-mini")
    #expect(span.statusCode == 2)
    #expect(span.attributes["error.type"] == .text(errorType))
    #expect(span.attributes["http.response.status_code"] == nil)
    #expect(span.text("gen_ai.input.messages") != nil)
  }

  @Test("a client that leaves inside a stream leaves what was said, one that leaves behind its end nothing wrong")
  func disconnect() throws {
    let example = LLMCase.named("chat_stream_usage")
    let half = example.read([example.body.prefix(example.body.count / 2)], end: .clientDisconnected)
    let span = try example.compose(half)[0]
    #expect(span.attributes["error.type"] == .text("client_disconnected"))
    #expect(span.text("gen_ai.output.messages") != nil)
    let whole = try example.compose(example.read(nil, RecordingOptions(), end: .clientDisconnected))[0]
    #expect(whole.statusCode == 0 && whole.attributes["error.type"] == nil)
  }

  @Test("JSON that was promised and did not come is an invalid answer")
  func invalidResponse() throws {
    let example = LLMCase.named("chat_basic")
    for (body, type, isInvalid) in [
      ("<html>", "application/json", true), ("", "application/json", true), ("<html>", "text/html", false),
      (#"{"error":null}"#, "application/json", false),
    ] {
      let span = try example.compose(Sample.read(.chatCompletions, body, contentType: type))[0]
      #expect(span.attributes["error.type"] == (isInvalid ? .text("invalid_response") : nil), "\(body) \(type)")
    }
  }

  @Test(
    "the type of an error is the provider's code, else its type, else a number",
    arguments: [
      (#"{"error":{"code":"c","type":"t"}}"#, 400, "c"), (#"{"error":{"code":null,"type":"t"}}"#, 400, "t"),
      (#"{"error":{"code":42,"type":"t"}}"#, 400, "t"), (#"{"error":{"code":42}}"#, 400, "42"),
      (#"{"error":"text"}"#, 418, "418"),
      (#"{"object":"error","message":"m","type":"BadRequestError","code":400}"#, 400, "BadRequestError"),
      (#"{"detail":"x"}"#, 422, "422"),
      (#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}"#, 429, "RESOURCE_EXHAUSTED"),
      (#"{"error":{"code":"c"}}"#, 200, "c"), ("", 500, "500"), ("oops", 502, "502"),
    ])
  func errorType(body: String, status: Int, expected: String) throws {
    let exchange = Sample.read(.chatCompletions, body, status: status)
    let span = try LLMCase.named("chat_basic").compose(exchange)[0]
    #expect(span.attributes["error.type"] == .text(expected))
    #expect(span.statusCode == 2)
  }
}
