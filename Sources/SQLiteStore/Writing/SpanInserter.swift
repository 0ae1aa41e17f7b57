import SQLite
import Telemetry

/// Writes rows of the index.
struct SpanInserter: ~Copyable {
  /// The parts of a row that the batch does not know.
  struct Placement {
    var trace: Int64 = 0
    var variant: Int64 = 0
    var arrival: Int64 = 0
    var rows: TagResolver.Rows
    var sequence: Int64?
    var code: RuleCode
    var service: Int64
    var segment: Int64
    /// What to add to the offsets of the facts.
    var start: Int
  }

  /// A row that is to be inserted.
  struct Row {
    var facts: SpanFacts
    var placement: Placement
  }

  /// To run a statement costs about as much as to insert a row, so as many rows share one.
  static let rowsAtOnce = 16

  private var one: SpanRowStatement
  private var many: SpanRowStatement
  private var remove: Statement
  private var names: NameTable

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let one = try SpanRowStatement(connection, rows: 1)
    let many = try SpanRowStatement(connection, rows: Self.rowsAtOnce)
    let remove = try connection.prepare(
      "DELETE FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3 AND arrival = ?4")
    let names = try NameTable(connection)
    self.one = one
    self.many = many
    self.remove = remove
    self.names = names
  }

  /// Inserts a row.
  ///
  /// - Parameter bytes: The bytes that the offsets of the facts point into.
  /// - Returns: Whether the key was free.
  mutating func insert(_ row: Row, _ bytes: Span<UInt8>, _ connection: borrowing Connection) throws(SQLiteError) -> Bool
  {
    try one.bind(row, slot: 0, bytes, &names)
    try one.run()
    return connection.changes == 1
  }

  /// Inserts ``rowsAtOnce`` rows, or none of them.
  ///
  /// - Returns: Whether all keys were free.
  mutating func insertAll(_ rows: [Row], _ bytes: Span<UInt8>, _ connection: borrowing Connection)
    throws(SQLiteError) -> Bool
  {
    precondition(rows.count == Self.rowsAtOnce)
    for slot in rows.indices { try many.bind(rows[slot], slot: slot, bytes, &names) }
    try many.run()
    if connection.changes == rows.count { return true }
    // The arrival number tells the rows that are new from those that were there.
    for row in rows {
      try remove.bind(row.placement.trace, at: 1)
      try remove.bind(Int64(bitPattern: row.facts.spanID.value), at: 2)
      try remove.bind(row.placement.variant, at: 3)
      try remove.bind(row.placement.arrival, at: 4)
      try remove.run()
    }
    return false
  }
}
