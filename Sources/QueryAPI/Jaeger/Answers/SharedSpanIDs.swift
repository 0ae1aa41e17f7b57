import Telemetry
import TraceStore

/// Gives server spans ids of their own that have those of their client spans, as Zipkin's senders do.
///
/// The client span becomes the parent, and what was below the shared id is below the server span. Pages need ids that are
/// unique in a trace. This is what Jaeger does when it reads a trace.
enum SharedSpanIDs {
  /// What is to be known of a span.
  struct Node {
    var id: SpanID
    var parent: SpanID?
    var kind: Int32
  }

  private static let server: Int32 = 2
  private static let client: Int32 = 3

  /// - Returns: The changed spans, by their places.
  static func separate(_ spans: [Node]) -> [Int: SpanAdjustment] {
    let clients = Set(spans.lazy.filter { $0.kind == client }.map(\.id))
    // Nearly always it ends here.
    guard !clients.isEmpty, spans.contains(where: { $0.kind == server && clients.contains($0.id) }) else { return [:] }
    var used = Set(spans.map(\.id))
    var next: UInt64 = 0
    var renamed: [SpanID: SpanID] = [:]
    var changes: [Int: SpanAdjustment] = [:]
    for (place, span) in spans.enumerated() where span.kind == server && clients.contains(span.id) {
      repeat { next += 1 } while used.contains(SpanID(value: next))
      let id = SpanID(value: next)
      used.insert(id)
      renamed[span.id] = id
      changes[place] = SpanAdjustment(spanID: id, parentID: span.id)
    }
    for (place, span) in spans.enumerated() where changes[place] == nil {
      guard let parent = span.parent.flatMap({ renamed[$0] }) else { continue }
      changes[place] = SpanAdjustment(spanID: span.id, parentID: parent)
    }
    return changes
  }
}
