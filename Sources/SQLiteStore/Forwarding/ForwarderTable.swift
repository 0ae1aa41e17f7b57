import SQLite
import TraceStore

/// The targets of forwarding, as the writer changes them.
final class ForwarderTable {
  /// What retagging fills.
  let outbox: ForwardOutbox
  private var selectAll: Statement
  private var findByName: Statement
  private var insert: Statement
  private var activate: Statement
  private var advance: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let selectAll = try connection.prepare(
      """
      SELECT id, name, is_active, cursor, floor, ordered, sent, refused, filtered, gone, resent FROM forwarders
      ORDER BY name
      """)
    let findByName = try connection.prepare("SELECT id, is_active FROM forwarders WHERE name = ?1")
    let insert = try connection.prepare(
      "INSERT INTO forwarders VALUES(NULL, ?1, 1, ?2, ?2, ?3, ?4, 0, 0, 0, 0, 0)")
    let activate = try connection.prepare(
      """
      UPDATE forwarders SET floor = CASE is_active WHEN 1 THEN floor ELSE cursor END,
        ordered = CASE is_active WHEN 1 THEN ordered ELSE ?2 END, is_active = 1, resends = ?3
      WHERE id = ?1
      """)
    let advance = try connection.prepare(
      """
      UPDATE forwarders SET cursor = ?2, sent = sent + ?3, refused = refused + ?4, filtered = filtered + ?5,
        gone = gone + ?6, resent = resent + ?7
      WHERE id = ?1
      """)
    self.selectAll = selectAll
    self.findByName = findByName
    self.insert = insert
    self.activate = activate
    self.advance = advance
    outbox = try ForwardOutbox(connection)
  }

  /// Makes these targets the active ones.
  func activate(_ targets: [NewForwarder], lastArrival: Int64, _ connection: borrowing Connection)
    throws(SQLiteError) -> [ForwarderRecord]
  {
    var kept: Set<Int64> = []
    for target in targets {
      try findByName.bind(target.name, at: 1)
      if let id = try findByName.first({ (row: borrowing Row) in row.int(at: 0) }) {
        try activate.run(.integer(id), .integer(lastArrival), .integer(target.resendsRetagged ? 1 : 0))
        kept.insert(id)
      } else {
        let cursor = target.startsAtOldest ? 0 : lastArrival
        try insert.run(
          .text(target.name), .integer(cursor), .integer(lastArrival), .integer(target.resendsRetagged ? 1 : 0))
        kept.insert(try connection.integer("SELECT last_insert_rowid()") ?? 0)
      }
    }
    for record in try all() where record.isActive && !kept.contains(record.id) {
      try connection.execute("UPDATE forwarders SET is_active = 0, resends = 0 WHERE id = \(record.id)")
    }
    try connection.execute(
      "DELETE FROM forward_outbox WHERE forwarder NOT IN (SELECT id FROM forwarders WHERE resends = 1)")
    try outbox.load(connection)
    return try all()
  }

  /// Keeps how far a target has got.
  func advance(_ forwarder: Int64, _ step: ForwardStep) throws(SQLiteError) {
    let counts = step.counts
    try advance.run(
      .integer(forwarder), .integer(step.cursor), .integer(counts.sent), .integer(counts.refused),
      .integer(counts.filtered), .integer(counts.gone), .integer(counts.resent))
    switch step.outbox {
    case .nothing: break
    case .reflected(let entry, let after):
      try outbox.remove(forwarder, upTo: entry, arrivals: after + 1, step.cursor)
    case .sent(let entry): try outbox.remove(forwarder, upTo: entry, arrivals: .min, step.cursor)
    }
  }

  private func all() throws(SQLiteError) -> [ForwarderRecord] {
    var records: [ForwarderRecord] = []
    try selectAll.forEach { (row: borrowing Row) in
      var counts = ForwardCounts()
      counts.sent = row.int(at: 6)
      counts.refused = row.int(at: 7)
      counts.filtered = row.int(at: 8)
      counts.gone = row.int(at: 9)
      counts.resent = row.int(at: 10)
      records.append(
        ForwarderRecord(
          id: row.int(at: 0), name: row.string(at: 1), isActive: row.int(at: 2) != 0,
          position: ForwardPosition(cursor: row.int(at: 3), floor: row.int(at: 4), ordered: row.int(at: 5)),
          counts: counts))
    }
    return records
  }
}
