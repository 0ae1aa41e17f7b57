import JSON
import OTLP
import Protobuf
package import TraceStore

/// Renders spans as OTLP/JSON `TracesData`; neighbours that share their resource and scope stand in one envelope.
package struct TraceRenderer: SpanRenderer {
  /// A piece, and the span that may go over its size.
  private static let capacity = SpanPieces<Self>.pieceSize + 64 << 10

  private var spans: ResourceSpansWriter
  private let nextCursor: String?
  private let lastArrival: Int64?

  /// - Parameters:
  ///   - nextCursor: Where the next page begins; `nil` for the last page.
  ///   - lastArrival: The arrival number to ask on from, for who follows a rollout; `nil` leaves it out.
  package init(nextCursor: String?, lastArrival: Int64?) {
    self.nextCursor = nextCursor
    self.lastArrival = lastArrival
    var writer = JSONWriter(reservingCapacity: Self.capacity)
    writer.beginObject()
    spans = ResourceSpansWriter(writer)
  }

  package mutating func takeOutput(isLast: Bool) -> [UInt8] {
    spans.writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  package mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int {
    spans.append(bytes, location)
    return spans.writer.bytes.count
  }

  package mutating func finish() {
    spans.close()
    if let lastArrival {
      spans.writer.key("lastArrival")
      spans.writer.integerString(lastArrival)
    }
    if let nextCursor {
      spans.writer.key("nextCursor")
      spans.writer.string(nextCursor)
    }
    spans.writer.endObject()
  }
}
