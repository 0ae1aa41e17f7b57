import SQLite
import Telemetry
import TraceStore

/// Reads rows of the index, trace by trace.
struct SpanRowReader: ~Copyable {
  private var select: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = try connection.prepare(
      """
      SELECT span_id, variant, arrival, parent_id, attempt, sequence, rule, name, kind, status, start, duration,
        segment, offset
      FROM spans WHERE trace = ?1
      """)
    self.select = select
  }

  /// Shows the rows of one trace, as far as their attempts are wanted.
  mutating func forEach(
    in trace: Int64, _ traceID: TraceID, _ groups: AttemptGroups, _ body: (SpanRow) -> Void
  ) throws(SQLiteError) {
    try select.bind(trace, at: 1)
    try select.forEach { (row: borrowing Row) throws(SQLiteError) in
      guard let names = try groups.names(of: row.int(at: 4)) else { return }
      let start = UInt64(bitPattern: row.int(at: 10))
      body(
        SpanRow(
          arrival: row.int(at: 2), traceID: traceID, spanID: SpanID(value: UInt64(bitPattern: row.int(at: 0))),
          variant: row.int(at: 1), parentID: row.optionalInt(at: 3).map { SpanID(value: UInt64(bitPattern: $0)) },
          rolloutID: names.rolloutID, attemptID: names.attemptID, sequence: row.optionalInt(at: 5),
          rule: TagRule(rawValue: UInt8(truncatingIfNeeded: row.int(at: 6))) ?? .none, name: row.string(at: 7),
          kind: Int32(truncatingIfNeeded: row.int(at: 8)), statusCode: Int32(truncatingIfNeeded: row.int(at: 9)),
          startTime: start, endTime: start &+ UInt64(bitPattern: row.int(at: 11)), segment: row.int(at: 12),
          offset: Int(row.int(at: 13))))
    }
  }
}
