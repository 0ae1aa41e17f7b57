import JSON
import Protobuf

extension OTLPJSONWriter {
  static func writeRequest(_ bytes: Span<UInt8>, to writer: inout JSONWriter) throws(ProtobufError) {
    writer.beginObject()
    var reader = ProtobufReader(bytes)
    var isEmpty = true
    while let range = try reader.nextOccurrence(of: 1) {
      if isEmpty {
        writer.key("resourceSpans")
        writer.beginArray()
        isEmpty = false
      }
      try writeResourceSpans(bytes, at: range, to: &writer)
    }
    if !isEmpty { writer.endArray() }
    writer.endObject()
  }

  private static func writeResourceSpans(_ bytes: Span<UInt8>, at range: Range<Int>, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    let envelope = try EnvelopeFields(bytes, at: range)
    writer.beginObject()
    if envelope.subject != nil {
      writer.key("resource")
      try writeResource(bytes, envelope.subject, to: &writer)
    }
    if envelope.content.count > 0 {
      writer.key("scopeSpans")
      writer.beginArray()
      var reader = ProtobufReader(bytes, at: envelope.content.extent)
      while let range = try reader.nextOccurrence(of: 2) { try writeScopeSpans(bytes, at: range, to: &writer) }
      writer.endArray()
    }
    writeString("schemaUrl", bytes, envelope.schemaURL, to: &writer)
    writer.endObject()
  }

  private static func writeScopeSpans(_ bytes: Span<UInt8>, at range: Range<Int>, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    let envelope = try EnvelopeFields(bytes, at: range)
    writer.beginObject()
    if envelope.subject != nil {
      writer.key("scope")
      try writeScope(bytes, envelope.subject, to: &writer)
    }
    if envelope.content.count > 0 {
      writer.key("spans")
      writer.beginArray()
      var reader = ProtobufReader(bytes, at: envelope.content.extent)
      while let range = try reader.nextOccurrence(of: 2) {
        try writeSpan(bytes, try SpanFields(bytes, at: range), to: &writer)
      }
      writer.endArray()
    }
    writeString("schemaUrl", bytes, envelope.schemaURL, to: &writer)
    writer.endObject()
  }
}
