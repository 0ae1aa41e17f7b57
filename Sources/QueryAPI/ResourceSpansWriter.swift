import JSON
import OTLP
import Protobuf
import TraceStore

/// Writes the member `resourceSpans` of OTLP/JSON; neighbours that share their resource and scope stand in one envelope.
struct ResourceSpansWriter: Sendable {
  var writer: JSONWriter
  /// The envelopes that are open.
  private var open: SpanLocation?
  /// `schemaUrl` of the open scope and resource, rendered; they follow after what they describe.
  private var scopeSchema: [UInt8] = []
  private var resourceSchema: [UInt8] = []

  /// - Parameter writer: Stands where a member may follow.
  init(_ writer: JSONWriter) {
    self.writer = writer
    self.writer.key("resourceSpans")
    self.writer.beginArray()
  }

  /// Writes a span.
  ///
  /// - Parameter attributes: `KeyValue` objects to add to its own, separated by commas.
  mutating func append(_ bytes: Span<UInt8>, _ location: SpanLocation, adding attributes: [UInt8] = []) {
    let count = writer.bytes.count
    do throws(ProtobufError) {
      try enter(bytes, location)
      try OTLPJSONWriter.appendSpan(bytes, at: location.span, adding: attributes, to: &writer)
    } catch {
      // What was stored was read by the scanner before; a segment's checksum would have told of damage.
      writer.bytes.removeLast(writer.bytes.count - count)
    }
  }

  /// Ends the member.
  mutating func close() {
    if open != nil {
      closeScope()
      closeResource()
    }
    writer.endArray()
  }

  private mutating func enter(_ bytes: Span<UInt8>, _ location: SpanLocation) throws(ProtobufError) {
    let sharesResource =
      open?.segment == location.segment && open?.resourceSpans == location.resourceSpans
    if sharesResource, open?.scopeSpans == location.scopeSpans { return }
    if open != nil { closeScope() }
    if !sharesResource {
      if open != nil { closeResource() }
      writer.beginObject()
      writer.key("resource")
      try OTLPJSONWriter.appendResource(bytes, at: location.resourceSpans, to: &writer)
      resourceSchema = try Self.schema(bytes, location.resourceSpans)
      writer.key("scopeSpans")
      writer.beginArray()
    }
    writer.beginObject()
    writer.key("scope")
    try OTLPJSONWriter.appendScope(bytes, at: location.scopeSpans, to: &writer)
    scopeSchema = try Self.schema(bytes, location.scopeSpans)
    writer.key("spans")
    writer.beginArray()
    open = location
  }

  private mutating func closeScope() {
    writer.endArray()
    close(scopeSchema)
  }

  private mutating func closeResource() {
    writer.endArray()
    close(resourceSchema)
  }

  private mutating func close(_ schema: [UInt8]) {
    if !schema.isEmpty {
      writer.key("schemaUrl")
      writer.json(schema.span)
    }
    writer.endObject()
  }

  private static func schema(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(ProtobufError) -> [UInt8] {
    let url = try EnvelopeFields(bytes, at: range).schemaURL
    guard !url.isEmpty else { return [] }
    var writer = JSONWriter()
    writer.string(bytes, at: url)
    return writer.bytes
  }
}
