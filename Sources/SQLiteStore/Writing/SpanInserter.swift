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

  /// Rows that are inserted at once.
  static let rowsAtOnce = BulkInsert.capacity

  private var insert: BulkInsert
  private var remove: Statement
  private var names: NameTable

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try BulkInsert(connection, into: "spans", columns: 19, "ON CONFLICT DO NOTHING")
    let remove = try connection.prepare(
      "DELETE FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3 AND arrival = ?4")
    let names = try NameTable(connection)
    self.insert = insert
    self.remove = remove
    self.names = names
  }

  /// Inserts one row.
  ///
  /// - Parameter bytes: The bytes that the offsets of the facts point into.
  /// - Returns: Whether the key was free.
  mutating func insert(
    _ facts: SpanFacts, _ placement: Placement, _ bytes: Span<UInt8>, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    try add(facts, placement, bytes)
    return try insertAdded(connection) == 1
  }

  /// Adds a row to those that are inserted together.
  ///
  /// - Parameter bytes: The bytes that the offsets of the facts point into.
  mutating func add(_ facts: SpanFacts, _ placement: Placement, _ bytes: Span<UInt8>) throws(SQLiteError) {
    // First, because it may fail, and a row is whole or not there.
    let range = Int(facts.nameOffset)..<Int(facts.nameOffset + facts.nameLength)
    let name = try names.row(of: facts, service: placement.service, bytes, range)
    insert.add(placement.trace)
    insert.add(Int64(bitPattern: facts.spanID.value))
    insert.add(placement.variant)
    insert.add(placement.arrival)
    if facts.parentID.isValid { insert.add(Int64(bitPattern: facts.parentID.value)) } else { insert.addNull() }
    insert.add(placement.rows.attempt)
    insert.add(placement.sequence)
    insert.add(placement.code.rawValue)
    if let name { insert.add(name) } else { insert.addText(bytes.extracting(range)) }
    insert.add(placement.service)
    insert.add(Int64(facts.kind))
    insert.add(Int64(facts.statusCode))
    insert.add(Int64(bitPattern: facts.startTime))
    insert.add(Int64(bitPattern: facts.endTime &- facts.startTime))
    if facts.inputTokens >= 0 { insert.add(facts.inputTokens) } else { insert.addNull() }
    if facts.outputTokens >= 0 { insert.add(facts.outputTokens) } else { insert.addNull() }
    insert.add(placement.segment)
    insert.add(Int64(placement.start + Int(facts.offset)))
    if placement.code.hasOwnRollout {
      insert.addNull()
    } else {
      insert.add(Int64(bitPattern: facts.parentID.value))
    }
  }

  /// Inserts the rows that were added, but those whose keys are taken.
  ///
  /// - Returns: How many keys were free.
  mutating func insertAdded(_ connection: borrowing Connection) throws(SQLiteError) -> Int {
    try insert.run()
    return connection.changes
  }

  /// Removes a row that was inserted in this transaction; its arrival number tells it from one that was there.
  mutating func remove(_ facts: SpanFacts, _ placement: Placement) throws(SQLiteError) {
    try remove.bind(placement.trace, at: 1)
    try remove.bind(Int64(bitPattern: facts.spanID.value), at: 2)
    try remove.bind(placement.variant, at: 3)
    try remove.bind(placement.arrival, at: 4)
    try remove.run()
  }
}
