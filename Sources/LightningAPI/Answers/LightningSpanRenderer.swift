import JSON
import Protobuf
import TraceStore

/// Renders a page of AGL's spans: `{"items":[...],"limit":...,"offset":...,"total":...}`.
struct LightningSpanRenderer: SpanRenderer {
  /// A piece, and the span that may go over its size.
  private static let capacity = SpanPieces<Self>.pieceSize + 64 << 10

  private var writer = JSONWriter(reservingCapacity: capacity)
  private var spans = AGLSpanWriter()
  private let search: LightningQuery<SpanQuery>
  private let total: Int
  /// The attempt of the span before, and its tags.
  private var attempt: SpanAttempt?
  private var tags = AGLSpanTags(rolloutID: "", attemptID: "", sequenceID: 0)
  /// The span before, and its resource and scope, rendered.
  private var last: SpanLocation?
  private var envelope = AGLSpanEnvelope()

  init(_ search: LightningQuery<SpanQuery>, total: Int) {
    self.search = search
    self.total = total
    writer.beginObject()
    writer.key("items")
    writer.beginArray()
  }

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int {
    if attempt !== row.attempt {
      attempt = row.attempt
      tags = AGLSpanTags(rolloutID: row.rolloutID ?? "", attemptID: row.attemptID ?? "", sequenceID: 0)
    }
    tags.sequenceID = row.sequence ?? 0
    // What was stored was read by the scanner before; a segment's checksum would have told of damage.
    do throws(ProtobufError) {
      try enter(bytes, location)
      try spans.append(bytes, at: location.span, tags: tags, envelope: envelope, to: &writer)
    } catch {}
    return writer.bytes.count
  }

  private mutating func enter(_ bytes: Span<UInt8>, _ location: SpanLocation) throws(ProtobufError) {
    if last?.segment == location.segment, last?.scopeSpans == location.scopeSpans { return }
    last = nil
    envelope = try AGLSpanEnvelope(
      resourceSpans: bytes.extracting(location.resourceSpans), scopeSpans: bytes.extracting(location.scopeSpans))
    last = location
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
