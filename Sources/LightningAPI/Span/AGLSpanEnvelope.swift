import JSON
import OTLP
package import Protobuf

/// The JSON of a resource and a scope, rendered once for all spans that share them.
///
/// Spans of one attempt have the same resource, which can be longer than the spans themselves.
package struct AGLSpanEnvelope: Hashable, Sendable {
  /// The resource: `{"attributes":{...},"schema_url":""}`.
  package let resource: [UInt8]
  /// The scope: `{"name":"","version":"","attributes":{...},"schema_url":""}`.
  package let scope: [UInt8]

  /// The envelope of no span.
  package init() {
    resource = []
    scope = []
  }

  /// Renders the resource of a `ResourceSpans` message and the scope of a `ScopeSpans` message.
  ///
  /// Each span holds one whole message; the spans inside it are not looked at.
  package init(resourceSpans: Span<UInt8>, scopeSpans: Span<UInt8>) throws(ProtobufError) {
    resource = try Self.resource(resourceSpans)
    scope = try Self.scope(scopeSpans)
  }

  private static func resource(_ bytes: Span<UInt8>) throws(ProtobufError) -> [UInt8] {
    let envelope = try EnvelopeFields(bytes, at: 0..<bytes.count)
    var writer = JSONWriter()
    writer.tokens("{\"attributes\":")
    try attributes(bytes, envelope.subject, field: 1, to: &writer)
    writer.tokens("\"schema_url\":")
    writer.string(bytes, at: envelope.schemaURL)
    if let dropped = try envelope.subject?.lastNumber(.varint(2), in: bytes), dropped != 0 {
      writer.key("dropped_attributes_count")
      writer.unsigned(UInt64(UInt32(truncatingIfNeeded: dropped)))
    }
    writer.endObject()
    return writer.bytes
  }

  private static func scope(_ bytes: Span<UInt8>) throws(ProtobufError) -> [UInt8] {
    let envelope = try EnvelopeFields(bytes, at: 0..<bytes.count)
    var writer = JSONWriter()
    writer.tokens("{\"name\":")
    writer.string(bytes, at: try envelope.subject?.lastValue(1, in: bytes) ?? 0..<0)
    writer.tokens("\"version\":")
    writer.string(bytes, at: try envelope.subject?.lastValue(2, in: bytes) ?? 0..<0)
    writer.tokens("\"attributes\":")
    try attributes(bytes, envelope.subject, field: 3, to: &writer)
    writer.tokens("\"schema_url\":")
    writer.string(bytes, at: envelope.schemaURL)
    if let dropped = try envelope.subject?.lastNumber(.varint(4), in: bytes), dropped != 0 {
      writer.key("dropped_attributes_count")
      writer.unsigned(UInt64(UInt32(truncatingIfNeeded: dropped)))
    }
    writer.endObject()
    return writer.bytes
  }

  private static func attributes(
    _ bytes: Span<UInt8>, _ parts: MessageParts?, field: UInt32, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    guard let parts else { return writer.tokens("{}") }
    var attributes = AGLAttributeWriter()
    try attributes.write(bytes, parts, field: field, to: &writer)
  }
}
