import JSON
import Protobuf
import TraceStore

/// Renders a page of AGL's spans: `{"items":[...],"limit":...,"offset":...,"total":...}`.
struct LightningSpanRenderer: SpanRenderer {
  /// A piece, and the span that may go over its size.
  private static let capacity = SpanPieces<Self>.pieceSize + 64 << 10

  private var writer = JSONWriter(reservingCapacity: capacity)
  private var spans = AGLSpanWriter()
  private let search: SpanSearch
  private let total: Int
  /// The resource and scope of the span before, rendered.
  private var envelope: (location: SpanLocation, json: AGLSpanEnvelope)?

  init(_ search: SpanSearch, total: Int) {
    self.search = search
    self.total = total
    writer.beginObject()
    writer.key("items")
    writer.beginArray()
  }

  var outputCount: Int { writer.bytes.count }

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) {
    let tags = AGLSpanTags(
      rolloutID: row.rolloutID ?? "", attemptID: row.attemptID ?? "", sequenceID: row.sequence ?? 0)
    // What was stored was read by the scanner before; a segment's checksum would have told of damage.
    try? spans.append(
      bytes, at: location.span, tags: tags, envelope: try envelope(bytes, location), to: &writer)
  }

  private mutating func envelope(_ bytes: Span<UInt8>, _ location: SpanLocation) throws(ProtobufError)
    -> AGLSpanEnvelope
  {
    if let envelope, envelope.location.segment == location.segment,
      envelope.location.scopeSpans == location.scopeSpans
    {
      return envelope.json
    }
    let json = try AGLSpanEnvelope(
      resourceSpans: bytes.extracting(location.resourceSpans), scopeSpans: bytes.extracting(location.scopeSpans))
    envelope = (location, json)
    return json
  }

  mutating func finish() {
    writer.endArray()
    writer.key("limit")
    writer.integer(Int64(search.limit))
    writer.key("offset")
    writer.integer(Int64(search.offset))
    writer.key("total")
    writer.integer(Int64(total))
    writer.endObject()
  }
}
