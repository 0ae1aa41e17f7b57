import SQLite
import Telemetry
import TraceStore

/// Reads rows of the index, trace by trace.
struct SpanRowReader: ~Copyable {
  private var select: Statement
  private var selectDetails: Statement
  private var selectName: Statement
  /// Names that rows refer to by number; bounded by the table.
  private var names: [Int64: String] = [:]

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = try connection.prepare(
      "SELECT attempt, arrival, sequence, segment, offset FROM spans WHERE trace = ?1")
    let selectDetails = try connection.prepare(
      """
      SELECT attempt, arrival, sequence, segment, offset,
        span_id, variant, parent_id, rule, name, kind, status, start, duration
      FROM spans WHERE trace = ?1
      """)
    let selectName = try connection.prepare("SELECT name FROM names WHERE id = ?1")
    self.select = select
    self.selectDetails = selectDetails
    self.selectName = selectName
  }

  /// Shows the rows of one trace, as far as their attempts are wanted, without details.
  mutating func forEach(
    in trace: Int64, _ groups: AttemptGroups, _ body: (SpanRow) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var known = KnownAttempt()
    try select.bind(trace, at: 1)
    try select.forEach { (row: borrowing Row) throws(SQLiteError) in
      guard let attempt = try known.attempt(row.int(at: 0), groups) else { return }
      try body(Self.make(row, attempt))
    }
  }

  /// Shows the rows of one trace, as far as their attempts are wanted.
  mutating func forEachWithDetails(
    in trace: Int64, _ traceID: TraceID, _ groups: AttemptGroups, _ body: (SpanRow) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var known = KnownAttempt()
    try selectDetails.bind(trace, at: 1)
    defer { selectDetails.reset() }
    while let row = try next(traceID, groups, &known) {
      if let row = row.wanted { try body(row) }
    }
  }

  /// A row that was read, `nil` inside when its attempt is not wanted.
  private struct Step {
    var wanted: SpanRow?
  }

  private mutating func next(
    _ traceID: TraceID, _ groups: AttemptGroups, _ known: inout KnownAttempt
  ) throws(SQLiteError) -> Step? {
    var named: Int64?
    let step = try selectDetails.step { (row: borrowing Row) throws(SQLiteError) in
      guard let attempt = try known.attempt(row.int(at: 0), groups) else { return Step() }
      if row.isInteger(at: 9) { named = row.int(at: 9) }
      var wanted = Self.make(row, attempt)
      let start = UInt64(bitPattern: row.int(at: 12))
      wanted.details = SpanDetails(
        traceID: traceID, spanID: SpanID(value: UInt64(bitPattern: row.int(at: 5))), variant: row.int(at: 6),
        parentID: row.optionalInt(at: 7).map { SpanID(value: UInt64(bitPattern: $0)) },
        rule: RuleCode(rawValue: row.int(at: 8)).shown,
        name: named == nil ? row.string(at: 9) : "", kind: Int32(truncatingIfNeeded: row.int(at: 10)),
        statusCode: Int32(truncatingIfNeeded: row.int(at: 11)), startTime: start,
        endTime: start &+ UInt64(bitPattern: row.int(at: 13)))
      return Step(wanted: wanted)
    }
    guard var step, let named, step.wanted != nil else { return step }
    step.wanted?.details.name = try name(named)
    return step
  }

  private static func make(_ row: borrowing Row, _ attempt: SpanAttempt) -> SpanRow {
    SpanRow(
      arrival: row.int(at: 1), sequence: row.optionalInt(at: 2), attempt: attempt, segment: row.int(at: 3),
      offset: Int(row.int(at: 4)))
  }

  private mutating func name(_ number: Int64) throws(SQLiteError) -> String {
    if let known = names[number] { return known }
    try selectName.bind(number, at: 1)
    guard let name = try selectName.first({ (row: borrowing Row) in row.string(at: 0) }) else { return "" }
    names[number] = name
    return name
  }
}

/// The attempt of the row before, which nearly always is that of the next.
private struct KnownAttempt {
  private var number: Int64?
  private var attempt: SpanAttempt?

  mutating func attempt(_ wanted: Int64, _ groups: AttemptGroups) throws(SQLiteError) -> SpanAttempt? {
    if number != wanted {
      attempt = try groups.names(of: wanted)
      number = wanted
    }
    return attempt
  }
}
