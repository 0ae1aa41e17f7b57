import SQLite

/// Notes which stored spans were tagged anew, in the transaction that does it, for targets that want them again.
final class ForwardOutbox {
  /// Targets that want spans again; without one, a retag costs a look at this array.
  private var forwarders: [Int64] = []
  private var insert: Statement
  private var removeEntries: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    // A span that changes while it is being sent has to be sent once more: it gets a new id, which the sender does not
    // remove.
    let insert = try connection.prepare(
      """
      INSERT OR REPLACE INTO forward_outbox(forwarder, trace, span_id, variant, arrival) VALUES(?1, ?2, ?3, ?4, ?5)
      """)
    let removeEntries = try connection.prepare(
      "DELETE FROM forward_outbox WHERE forwarder = ?1 AND id <= ?2 AND arrival BETWEEN ?3 AND ?4")
    self.insert = insert
    self.removeEntries = removeEntries
    try load(connection)
  }

  var isWanted: Bool { !forwarders.isEmpty }

  /// Reads which targets want spans again.
  func load(_ connection: borrowing Connection) throws(SQLiteError) {
    var select = try connection.prepare("SELECT id FROM forwarders WHERE is_active = 1 AND resends = 1")
    var found: [Int64] = []
    try select.forEach { (row: borrowing Row) in found.append(row.int(at: 0)) }
    forwarders = found
  }

  /// Notes a span, for targets that have not had it yet as well: whether one is sending it now is not known here.
  func add(_ span: SpanKey, arrival: Int64) throws(SQLiteError) {
    for forwarder in forwarders {
      try insert.bind(forwarder, at: 1)
      try insert.bind(span.trace, at: 2)
      try insert.bind(span.spanID, at: 3)
      try insert.bind(span.variant, at: 4)
      try insert.bind(arrival, at: 5)
      try insert.run()
    }
  }

  func remove(_ forwarder: Int64, upTo entry: Int64, arrivals first: Int64, _ last: Int64) throws(SQLiteError) {
    guard isWanted else { return }
    try removeEntries.run(.integer(forwarder), .integer(entry), .integer(first), .integer(last))
  }
}
