import GenAI
import JSON
import Testing

/// Images and other data in answers.
@Suite struct BlobTests {
  private static let small = String(repeating: "AAAA", count: 8 * 1024)
  private static let large = small + "AAA="

  /// As `sha256sum` tells it.
  private static let digest = "74583b419b2a0b6a467a7f2770adf8fdd3af30eb2e5d7e5a4ac98d197b5f7e8c"

  @Test(
    "a generated image stands in its item up to 32 KiB, and by length and SHA-256 beyond", arguments: [true, false])
  func responses(isStream: Bool) throws {
    for (data, recorded) in [
      (Self.small, "\"\(Self.small)\""), (Self.large, #"{"byte_count":32772,"sha256":"\#(Self.digest)"}"#),
      // A text, although it is long.
      (Self.small + " x", "\"\(Self.small) x\""),
    ] {
      let item = #"{"type":"image_generation_call","id":"ig","result":"\#(data)","status":"completed"}"#
      let body = #"{"id":"r","status":"completed","output":[\#(item)]}"#
      let records = [
        #"{"type":"response.output_item.done","output_index":0,"item":\#(item)}"#,
        #"{"type":"response.completed","response":\#(body)}"#,
      ]
      let exchange =
        isStream
        ? Sample.read(.responses, Sample.events(records), contentType: "text/event-stream")
        : Sample.read(.responses, body)
      let json = #"{"type":"image_generation_call","id":"ig","result":\#(recorded),"status":"completed"}"#
      #expect(exchange.answer.choices[0].parts == [.serverToolCall(id: "ig", name: "image_generation", json: json)])
      let span = try LLMCase.named("chat_basic").compose(exchange)[0]
      #expect(span.text("gen_ai.output.messages")?.contains(#""server_tool_call":\#(json)"#) == true)
    }
  }

  @Test("data inside Gemini's answers is a part of its own", arguments: [true, false])
  func gemini(isStream: Bool) throws {
    func part(_ data: String) -> String { #"{"inlineData":{"mimeType":"image/png","data":"\#(data)"}}"# }
    let parts = [#"{"text":"a"}"#, part(Self.small), part(Self.large), #"{"text":"b"}"#]
    let records = parts.map { #"{"candidates":[{"index":0,"content":{"parts":[\#($0)]}}]}"# }
    let body = #"{"candidates":[{"index":0,"content":{"parts":[\#(parts.joined(separator: ","))]}}]}"#
    let exchange =
      isStream
      ? Sample.read(.generateContent, Sample.events(records), contentType: "text/event-stream")
      : Sample.read(.generateContent, body)
    func media(_ source: Media.Source) -> MessagePart {
      .media(Media(modality: "image", mimeType: "image/png", source: source))
    }
    #expect(
      exchange.answer.choices[0].parts == [
        .text("a"), media(.blob(Self.small)), media(.digest(byteCount: 32_772, sha256: Self.digest)), .text("b"),
      ])
    let span = try LLMCase.named("chat_basic").compose(exchange)[0]
    #expect(span.text("gen_ai.output.messages")?.contains(#""byte_count":32772,"sha256":"\#(Self.digest)""#) == true)
  }

  @Test("data in the input of a tool that the provider runs", arguments: [true, false])
  func serverTools(isStream: Bool) {
    func block(_ input: String) -> String { #"{"type":"server_tool_use","id":"s","name":"w","input":\#(input)}"# }
    let (begin, end) = (#"{\"file\":\""#, #"\"}"#)
    let records = [
      #"{"type":"message_start","message":{"id":"m","content":[]}}"#,
      #"{"type":"content_block_start","index":0,"content_block":\#(block("{}"))}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\#(begin)"}}"#,
      #"{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"\#(Self.large)\#(end)"}}"#,
    ]
    let exchange =
      isStream
      ? Sample.read(.messages, Sample.events(records), contentType: "text/event-stream")
      : Sample.read(.messages, #"{"id":"m","content":[\#(block(#"{"file":"\#(Self.large)"}"#))]}"#)
    let json = block(#"{"file":{"byte_count":32772,"sha256":"\#(Self.digest)"}}"#)
    #expect(exchange.answer.choices[0].parts == [.serverToolCall(id: "s", name: "w", json: json)])
  }

  @Test("the name of a member is no blob, however long it is", arguments: ["", " ", "\n\t "])
  func names(space: String) throws {
    func item(_ value: String) -> String {
      #"{"type":"weird","\#(Self.large)"\#(space):\#(space)\#(value),"a":{"\#(Self.small)A"\#(space):[1]},"t":"keep"}"#
    }
    for (value, recorded) in [
      ("1", "1"), (#""\#(Self.large)""#, #"{"byte_count":32772,"sha256":"\#(Self.digest)"}"#),
      (#"["\#(Self.large)"\#(space)]"#, #"[{"byte_count":32772,"sha256":"\#(Self.digest)"}\#(space)]"#),
    ] {
      let message = Sample.read(.responses, "{}", request: #"{"input":[\#(item(value))]}"#).request.messages.first
      #expect(message?.parts == [.other(type: "weird", json: item(recorded))])
      _ = try JSONDocument(parsing: Array(item(recorded).utf8))
    }
  }

  @Test("images that come back in the items of a request are recorded as they are in answers")
  func requests() {
    let request =
      #"{"input":[{"type":"image_generation_call","id":"ig","result":"\#(Self.large)"},"#
      + #"{"type":"computer_call_output","output":{"image_url":"data:image/png;base64,\#(Self.large)"}}]}"#
    let message = Sample.read(.responses, "{}", request: request).request.messages[0]
    let digest = #"{"byte_count":32772,"sha256":"\#(Self.digest)"}"#
    #expect(
      message.parts == [
        .serverToolCall(
          id: "ig", name: "image_generation", json: #"{"type":"image_generation_call","id":"ig","result":\#(digest)}"#),
        .other(
          type: "computer_call_output", json: #"{"type":"computer_call_output","output":{"image_url":\#(digest)}}"#),
      ])
  }
}
