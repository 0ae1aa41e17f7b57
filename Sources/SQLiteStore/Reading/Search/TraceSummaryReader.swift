import SQLite
import Telemetry
import TraceStore

/// Adds up the rows of a trace, one after the other: however many there are, none is kept.
struct TraceSummaryReader: ~Copyable {
  private var select: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    // Retention gives what it is deleting a rollout below 0.
    select = try connection.prepare(
      """
      SELECT arrival, parent_id IS NULL,
        parent_id IS NOT NULL
          AND NOT EXISTS (SELECT 1 FROM spans AS parents WHERE parents.trace = ?1 AND parents.span_id = spans.parent_id),
        services.name IS NOT NULL, services.name, coalesce(names.name, spans.name), status, start, duration
      FROM spans
        LEFT JOIN names ON typeof(spans.name) = 'integer' AND names.id = spans.name
        LEFT JOIN services ON services.id = spans.service
      WHERE trace = ?1 AND (SELECT rollout FROM attempts WHERE id = attempt) >= 0
      """)
  }

  /// - Returns: `nil` when the trace has no spans.
  mutating func read(_ trace: Int64, _ traceID: TraceID) throws(SQLiteError) -> TraceSummary? {
    var sum = TraceSum(traceID)
    try select.bind(trace, at: 1)
    try select.forEach { (row: borrowing Row) in
      let start = UInt64(bitPattern: row.int(at: 7))
      sum.add(
        TraceSum.Span(
          arrival: row.int(at: 0), isRoot: row.int(at: 1) != 0, isOrphan: row.int(at: 2) != 0,
          service: row.int(at: 3) == 0 ? nil : row.string(at: 4), name: row.string(at: 5),
          isError: row.int(at: 6) == 2, start: start, end: start &+ UInt64(bitPattern: row.int(at: 8))))
    }
    return sum.summary
  }
}

/// The sum of the spans of a trace, in whatever order they come.
private struct TraceSum {
  struct Span {
    var arrival: Int64
    var isRoot: Bool
    var isOrphan: Bool
    var service: String?
    var name: String
    var isError: Bool
    var start: UInt64
    var end: UInt64
  }

  private var result: TraceSummary
  /// The span that stands for the trace: where all spans lie on cycles it is one of those.
  private var root: (isBelow: Bool, start: UInt64, arrival: Int64)?
  private var services: [ExactText?: (service: TraceSummary.Service, firstArrival: Int64)] = [:]

  init(_ traceID: TraceID) { result = TraceSummary(traceID: traceID) }

  mutating func add(_ span: Span) {
    result.spans += 1
    result.start = min(result.start, span.start)
    result.end = max(result.end, span.end)
    result.errors += span.isError ? 1 : 0
    result.orphans += span.isOrphan ? 1 : 0
    let place = (isBelow: !span.isRoot && !span.isOrphan, start: span.start, arrival: span.arrival)
    if root.map({ Self.isBefore(place, $0) }) ?? true {
      root = place
      result.rootService = span.service
      result.rootOperation = span.name
    }
    let key = span.service.map(ExactText.init)
    var entry = services[key] ?? (TraceSummary.Service(name: span.service), span.arrival)
    entry.service.spans += 1
    entry.service.errors += span.isError ? 1 : 0
    entry.firstArrival = min(entry.firstArrival, span.arrival)
    services[key] = entry
  }

  private static func isBefore(
    _ first: (isBelow: Bool, start: UInt64, arrival: Int64), _ second: (isBelow: Bool, start: UInt64, arrival: Int64)
  ) -> Bool {
    if first.isBelow != second.isBelow { return !first.isBelow }
    return (first.start, first.arrival) < (second.start, second.arrival)
  }

  var summary: TraceSummary? {
    guard result.spans > 0 else { return nil }
    var summary = result
    summary.services = services.values.sorted { $0.firstArrival < $1.firstArrival }.map(\.service)
    return summary
  }
}
