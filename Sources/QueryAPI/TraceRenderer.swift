import JSON
import OTLP
import Protobuf
package import TraceStore

/// Renders spans as OTLP/JSON `TracesData`; neighbours that share their resource and scope stand in one envelope.
package struct TraceRenderer: SpanRenderer {
  /// A piece, and the span that may go over its size.
  private static let capacity = SpanPieces<Self>.pieceSize + 64 << 10

  private var writer: JSONWriter
  /// The envelopes that are open.
  private var open: SpanLocation?
  private let nextCursor: String?
  private let lastArrival: Int64?
  /// `schemaUrl` of the open scope and resource, rendered; they follow after what they describe.
  private var scopeSchema: [UInt8] = []
  private var resourceSchema: [UInt8] = []

  /// - Parameters:
  ///   - nextCursor: Where the next page begins; `nil` for the last page.
  ///   - lastArrival: The arrival number to ask on from, for who follows a rollout; `nil` leaves it out.
  package init(nextCursor: String?, lastArrival: Int64?) {
    self.nextCursor = nextCursor
    self.lastArrival = lastArrival
    writer = JSONWriter(reservingCapacity: Self.capacity)
    writer.beginObject()
    writer.key("resourceSpans")
    writer.beginArray()
  }

  package mutating func takeOutput(isLast: Bool) -> [UInt8] {
    writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  package mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int {
    let count = writer.bytes.count
    do throws(ProtobufError) {
      try enter(bytes, location)
      try OTLPJSONWriter.appendSpan(bytes, at: location.span, to: &writer)
    } catch {
      // What was stored was read by the scanner before; a segment's checksum would have told of damage.
      writer.bytes.removeLast(writer.bytes.count - count)
    }
    return writer.bytes.count
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

  package mutating func finish() {
    if open != nil {
      closeScope()
      closeResource()
    }
    writer.endArray()
    if let lastArrival {
      writer.key("lastArrival")
      writer.integerString(lastArrival)
    }
    if let nextCursor {
      writer.key("nextCursor")
      writer.string(nextCursor)
    }
    writer.endObject()
  }
}
