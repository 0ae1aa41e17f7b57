import SQLite
import Telemetry

/// Reads and writes the rows of attempts that somebody has started.
struct AttemptTable: ~Copyable {
  private var find: Statement
  private var findRow: Statement
  private var insert: Statement
  private var update: Statement
  private var saveMetadata: Statement
  private var identifiers = IdentifierSource()
  /// The number of the last span that has arrived, for attempts that end now.
  var lastArrival: Int64 = 0

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = "SELECT \(RolloutColumns.attempt) FROM \(RolloutColumns.attemptTables)"
    let find = try connection.prepare(
      """
      \(select) WHERE attempts.rollout = ?1 AND coalesce(attempts.attempt_id, '') = ?2 AND attempts.status IS NOT NULL
      """)
    let findRow = try connection.prepare("\(select) WHERE attempts.id = ?1 AND attempts.status IS NOT NULL")
    let insert = try connection.prepare(
      """
      INSERT INTO attempts(rollout, attempt_id, spans, first_arrival, last_arrival, status, number, start_time, worker_id)
      VALUES(?1, ?2, 0, 0, 0, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING RETURNING id
      """)
    let update = try connection.prepare(
      """
      UPDATE attempts SET status = ?2, end_time = ?3, worker_id = ?4, heartbeat = ?5,
        end_arrival = CASE WHEN ?3 IS NULL THEN NULL ELSE coalesce(end_arrival, ?6) END
      WHERE id = ?1
      """)
    let saveMetadata = try connection.prepare(
      "INSERT INTO attempt_documents VALUES(?1, ?2) ON CONFLICT DO UPDATE SET metadata = excluded.metadata")
    self.find = find
    self.findRow = findRow
    self.insert = insert
    self.update = update
    self.saveMetadata = saveMetadata
  }

  mutating func attempt(_ id: String, of rollout: RolloutRow) throws(SQLiteError) -> AttemptRow? {
    try find.bind(rollout.id, at: 1)
    try find.bind(id, at: 2)
    return try find.first { (row: borrowing Row) in RolloutColumns.attempt(row, rolloutID: rollout.rollout.id) }
  }

  mutating func attempt(at row: Int64, of rollout: RolloutRow) throws(SQLiteError) -> AttemptRow? {
    try findRow.bind(row, at: 1)
    return try findRow.first { (row: borrowing Row) in RolloutColumns.attempt(row, rolloutID: rollout.rollout.id) }
  }

  /// Makes an attempt that is being prepared.
  mutating func insert(into rollout: RolloutRow, number: Int64, worker: String?, now: Double) throws(SQLiteError)
    -> AttemptRow
  {
    while true {
      let attempt = Attempt(
        rolloutID: rollout.rollout.id, id: identifiers.attempt(), sequence: number, startTime: now,
        status: .preparing, workerID: worker)
      try insert.bind([
        .integer(rollout.id), .text(attempt.id), .text(attempt.status.rawValue), .integer(number), .real(now),
        SQLValue(worker),
      ])
      // An id that is taken, by chance or because spans have named it, gives no row.
      guard let id = try insert.first({ (row: borrowing Row) in row.int(at: 0) }) else { continue }
      return AttemptRow(id: id, attempt: attempt)
    }
  }

  /// Writes what can change of an attempt.
  mutating func save(_ row: AttemptRow, withMetadata: Bool) throws(SQLiteError) {
    let attempt = row.attempt
    try update.run(
      .integer(row.id), .text(attempt.status.rawValue), SQLValue(attempt.endTime), SQLValue(attempt.workerID),
      SQLValue(attempt.lastHeartbeatTime), .integer(lastArrival))
    if withMetadata { try saveMetadata.run(.integer(row.id), SQLValue(attempt.metadata?.text)) }
  }
}
