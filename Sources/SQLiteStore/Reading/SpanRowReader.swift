import SQLite
import Telemetry
import TraceStore

/// Reads rows of the index, trace by trace.
struct SpanRowReader: ~Copyable {
  private var select: Statement
  private var selectName: Statement
  /// Names that rows refer to by number; bounded by the table.
  private var names: [Int64: String] = [:]

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = try connection.prepare(
      """
      SELECT span_id, variant, arrival, parent_id, attempt, sequence, rule, name, kind, status, start, duration,
        segment, offset
      FROM spans WHERE trace = ?1
      """)
    let selectName = try connection.prepare("SELECT name FROM names WHERE id = ?1")
    self.select = select
    self.selectName = selectName
  }

  /// Shows the rows of one trace, as far as their attempts are wanted.
  mutating func forEach(
    in trace: Int64, _ traceID: TraceID, _ groups: AttemptGroups, _ body: (SpanRow) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    try select.bind(trace, at: 1)
    defer { select.reset() }
    while let row = try next(traceID, groups) {
      if let row = row.wanted { try body(row) }
    }
  }

  /// A row that was read, `nil` inside when its attempt is not wanted.
  private struct Step {
    var wanted: SpanRow?
  }

  private mutating func next(_ traceID: TraceID, _ groups: AttemptGroups) throws(SQLiteError) -> Step? {
    var named: Int64?
    let step = try select.step { (row: borrowing Row) throws(SQLiteError) in
      guard let attempt = try groups.names(of: row.int(at: 4)) else { return Step() }
      if row.isInteger(at: 7) { named = row.int(at: 7) }
      let start = UInt64(bitPattern: row.int(at: 10))
      return Step(
        wanted: SpanRow(
          arrival: row.int(at: 2), traceID: traceID, spanID: SpanID(value: UInt64(bitPattern: row.int(at: 0))),
          variant: row.int(at: 1), parentID: row.optionalInt(at: 3).map { SpanID(value: UInt64(bitPattern: $0)) },
          rolloutID: attempt.rolloutID, attemptID: attempt.attemptID, sequence: row.optionalInt(at: 5),
          rule: TagRule(rawValue: UInt8(truncatingIfNeeded: row.int(at: 6))) ?? .none,
          name: named == nil ? row.string(at: 7) : "", kind: Int32(truncatingIfNeeded: row.int(at: 8)),
          statusCode: Int32(truncatingIfNeeded: row.int(at: 9)), startTime: start,
          endTime: start &+ UInt64(bitPattern: row.int(at: 11)), segment: row.int(at: 12),
          offset: Int(row.int(at: 13))))
    }
    guard var step, let named, step.wanted != nil else { return step }
    step.wanted?.name = try name(named)
    return step
  }

  private mutating func name(_ number: Int64) throws(SQLiteError) -> String {
    if let known = names[number] { return known }
    try selectName.bind(number, at: 1)
    guard let name = try selectName.first({ (row: borrowing Row) in row.string(at: 0) }) else { return "" }
    names[number] = name
    return name
  }
}
