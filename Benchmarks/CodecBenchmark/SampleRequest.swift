import Protobuf

/// A request like those that instrumented agents send.
enum SampleRequest {
  static func bytes(spanCount: Int) -> [UInt8] {
    var writer = ProtobufWriter()
    let resourceSpans = writer.beginMessage(1)
    let scopeSpans = writer.beginMessage(2)
    for index in 0..<spanCount { writeSpan(UInt64(index), to: &writer) }
    writer.endMessage(scopeSpans)
    writer.endMessage(resourceSpans)
    return writer.bytes
  }

  /// Where the spans of such a request lie.
  static func spans(of request: [UInt8]) -> [Range<Int>] {
    var result: [Range<Int>] = []
    var reader = ProtobufReader(request.span)
    // The request was written above, so it is well-formed.
    for _ in 0..<2 {
      _ = try! reader.nextTag()
      reader = ProtobufReader(request.span, at: try! reader.lengthDelimited())
    }
    while try! reader.nextTag() != nil { result.append(try! reader.lengthDelimited()) }
    return result
  }

  private static func writeSpan(_ index: UInt64, to writer: inout ProtobufWriter) {
    let span = writer.beginMessage(2)
    let ids = (0..<24).map { UInt8(truncatingIfNeeded: (index &+ 1) &* 0x9E37_79B9_7F4A_7C15 >> (2 * $0)) }
    writer.bytesField(1, ids.span.extracting(0..<16))
    writer.bytesField(2, ids.span.extracting(16..<24))
    writer.bytesField(4, ids.span.extracting(4..<12))
    writer.stringField(5, "openai.chat.completion")
    writer.varintField(6, 3)
    writer.fixed64Field(7, 1_795_168_326_361_771_123 + index)
    writer.fixed64Field(8, 1_795_168_326_361_796_456 + index)
    for (key, value) in [
      ("gen_ai.system", "openai"), ("gen_ai.request.model", "gpt-4o"), ("gen_ai.response.id", "chatcmpl-1"),
      ("gen_ai.prompt.0.role", "user"), ("gen_ai.completion.0.role", "assistant"),
      ("gen_ai.completion.0.finish_reason", "stop"),
      ("gen_ai.prompt.0.content", "What is the sum of one and one?\nThink \"step by step\", then answer."),
      ("gen_ai.completion.0.content", "One plus one makes two, because that is how counting works."),
    ] {
      writeAttribute(key, to: &writer) { $0.stringField(1, value) }
    }
    writeAttribute("gen_ai.usage.input_tokens", to: &writer) { $0.varintField(3, 128 + index) }
    writeAttribute("gen_ai.request.temperature", to: &writer) { $0.fixed64Field(4, (0.7).bitPattern) }
    let status = writer.beginMessage(15)
    writer.varintField(3, 1)
    writer.endMessage(status)
    writer.fixed32Field(16, 256)
    writer.endMessage(span)
  }

  private static func writeAttribute(
    _ key: String, to writer: inout ProtobufWriter, _ value: (inout ProtobufWriter) -> Void
  ) {
    let attribute = writer.beginMessage(9)
    writer.stringField(1, key)
    let mark = writer.beginMessage(2)
    value(&writer)
    writer.endMessage(mark)
    writer.endMessage(attribute)
  }
}
