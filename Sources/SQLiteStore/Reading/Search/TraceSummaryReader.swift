import SQLite
import Telemetry
import TraceStore

/// Adds up the rows of a trace.
enum TraceSummaryReader {
  private struct Span {
    var id: Int64
    var parent: Int64?
    var service: String?
    var name: String
    var isError: Bool
    var start: UInt64
    var end: UInt64
  }

  /// - Returns: `nil` when the trace has no spans.
  static func read(_ connection: borrowing Connection, _ trace: Int64, _ traceID: TraceID) throws(SQLiteError)
    -> TraceSummary?
  {
    let spans = try rows(connection, trace)
    guard !spans.isEmpty else { return nil }
    let ids = Set(spans.map(\.id))
    var summary = TraceSummary(traceID: traceID)
    var places: [ExactText?: Int] = [:]
    var root: Span?
    for span in spans {
      summary.spans += 1
      summary.start = min(summary.start, span.start)
      summary.end = max(summary.end, span.end)
      if span.isError { summary.errors += 1 }
      let isOrphan = span.parent.map { !ids.contains($0) } ?? false
      if isOrphan { summary.orphans += 1 }
      if isOrphan || span.parent == nil, root.map({ span.start < $0.start }) ?? true { root = span }
      let key = span.service.map(ExactText.init)
      let place = places[key] ?? summary.services.count
      if place == summary.services.count {
        places[key] = place
        summary.services.append(TraceSummary.Service(name: span.service))
      }
      summary.services[place].spans += 1
      if span.isError { summary.services[place].errors += 1 }
    }
    // Where all spans lie on cycles, there is none.
    if let root = root ?? spans.first {
      summary.rootService = root.service
      summary.rootOperation = root.name
    }
    return summary
  }

  /// The spans of the trace in the order of their arrival.
  private static func rows(_ connection: borrowing Connection, _ trace: Int64) throws(SQLiteError) -> [Span] {
    var select = try connection.prepare(
      """
      SELECT span_id, parent_id, services.name IS NOT NULL, services.name, coalesce(names.name, spans.name), status,
        start, duration
      FROM spans
        LEFT JOIN names ON typeof(spans.name) = 'integer' AND names.id = spans.name
        LEFT JOIN services ON services.id = spans.service
      WHERE trace = ?1 AND (SELECT rollout FROM attempts WHERE id = attempt) >= 0
      ORDER BY arrival
      """)
    try select.bind(trace, at: 1)
    var spans: [Span] = []
    try select.forEach { (row: borrowing Row) in
      let start = UInt64(bitPattern: row.int(at: 6))
      spans.append(
        Span(
          id: row.int(at: 0), parent: row.optionalInt(at: 1),
          service: row.int(at: 2) == 0 ? nil : row.string(at: 3), name: row.string(at: 4),
          isError: row.int(at: 5) == 2, start: start, end: start &+ UInt64(bitPattern: row.int(at: 7))))
    }
    return spans
  }
}
