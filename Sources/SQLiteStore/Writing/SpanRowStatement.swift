import SQLite
import Telemetry

/// `INSERT INTO spans` for a fixed number of rows; rows whose keys are taken are left out.
struct SpanRowStatement: ~Copyable {
  private static let columns = 19

  private var statement: Statement
  /// What each row was bound to the last time.
  private var bound: [SpanInserter.Placement?]

  init(_ connection: borrowing Connection, rows: Int) throws(SQLiteError) {
    let row = "(" + Array(repeating: "?", count: Self.columns).joined(separator: ", ") + ")"
    let values = Array(repeating: row, count: rows).joined(separator: ", ")
    statement = try connection.prepare("INSERT INTO spans VALUES \(values) ON CONFLICT DO NOTHING")
    bound = Array(repeating: nil, count: rows)
  }

  /// Inserts the rows that are bound.
  mutating func run() throws(SQLiteError) { try statement.run() }

  /// Binds one of the rows, its values in the order of the table's columns.
  mutating func bind(
    _ row: SpanInserter.Row, slot: Int, _ bytes: Span<UInt8>, _ names: inout NameTable
  ) throws(SQLiteError) {
    let facts = row.facts
    let first = Int32(slot * Self.columns)
    try bindShared(row.placement, slot: slot, after: first)
    try statement.bind(Int64(bitPattern: facts.spanID.value), at: first + 2)
    try statement.bind(row.placement.arrival, at: first + 4)
    if facts.parentID.isValid {
      try statement.bind(Int64(bitPattern: facts.parentID.value), at: first + 5)
    } else {
      try statement.bindNull(at: first + 5)
    }
    try statement.bind(row.placement.sequence, at: first + 7)
    try bindName(facts, service: row.placement.service, bytes, &names, at: first + 9)
    try statement.bind(Int64(facts.kind), at: first + 11)
    try statement.bind(Int64(facts.statusCode), at: first + 12)
    try statement.bind(Int64(bitPattern: facts.startTime), at: first + 13)
    try statement.bind(Int64(bitPattern: facts.endTime &- facts.startTime), at: first + 14)
    try statement.bind(facts.inputTokens >= 0 ? facts.inputTokens : nil, at: first + 15)
    try statement.bind(facts.outputTokens >= 0 ? facts.outputTokens : nil, at: first + 16)
    try statement.bind(Int64(row.placement.start + Int(facts.offset)), at: first + 18)
    if row.placement.code.hasOwnRollout {
      try statement.bindNull(at: first + 19)
    } else {
      try statement.bind(Int64(bitPattern: facts.parentID.value), at: first + 19)
    }
  }

  /// Binds what neighbours mostly share, as far as it differs from the last time: bindings outlive a reset.
  private mutating func bindShared(_ placement: SpanInserter.Placement, slot: Int, after first: Int32)
    throws(SQLiteError)
  {
    let bound = bound[slot]
    if bound?.trace != placement.trace { try statement.bind(placement.trace, at: first + 1) }
    if bound?.variant != placement.variant { try statement.bind(placement.variant, at: first + 3) }
    if bound?.rows.attempt != placement.rows.attempt { try statement.bind(placement.rows.attempt, at: first + 6) }
    if bound?.code != placement.code { try statement.bind(placement.code.rawValue, at: first + 8) }
    if bound?.service != placement.service { try statement.bind(placement.service, at: first + 10) }
    if bound?.segment != placement.segment { try statement.bind(placement.segment, at: first + 17) }
    self.bound[slot] = placement
  }

  private mutating func bindName(
    _ facts: SpanFacts, service: Int64, _ bytes: Span<UInt8>, _ names: inout NameTable, at index: Int32
  ) throws(SQLiteError) {
    let name = Int(facts.nameOffset)..<Int(facts.nameOffset + facts.nameLength)
    if let row = try names.row(of: facts, service: service, bytes, name) {
      try statement.bind(row, at: index)
    } else {
      try statement.bindText(bytes.extracting(name), at: index)
    }
  }
}
