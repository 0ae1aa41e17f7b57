import SQLite
import Telemetry

/// Reads and writes the rows of rollouts that somebody has enqueued or started.
struct RolloutTable: ~Copyable {
  private var find: Statement
  private var findRow: Statement
  private var findNarrow: Statement
  private var findRowNarrow: Statement
  private var insert: Statement
  private var insertDocuments: Statement
  private var update: Statement
  private var updateDocuments: Statement
  private var selectHead: Statement
  private var leaveQueue: Statement
  private var putIntoQueue: Statement
  private var identifiers = IdentifierSource()
  /// The highest place in the queue that was given.
  private var lastPlace: Int64

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = "SELECT \(RolloutColumns.rollout) FROM \(RolloutColumns.rolloutTables)"
    let find = try connection.prepare("\(select) WHERE rollouts.rollout_id = ?1 AND rollouts.status IS NOT NULL")
    let findRow = try connection.prepare("\(select) WHERE rollouts.id = ?1")
    let narrow = "SELECT \(RolloutColumns.narrowRollout) FROM rollouts"
    let findNarrow = try connection.prepare("\(narrow) WHERE rollouts.rollout_id = ?1 AND rollouts.status IS NOT NULL")
    let findRowNarrow = try connection.prepare("\(narrow) WHERE rollouts.id = ?1")
    let insert = try connection.prepare(
      """
      INSERT INTO rollouts(rollout_id, status, stage, start_time, mode, resources_id, timeout_seconds,
        unresponsive_seconds, max_attempts, retry_condition, queued)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT DO NOTHING RETURNING id
      """)
    let insertDocuments = try connection.prepare("INSERT INTO rollout_documents VALUES(?1, ?2, ?3)")
    let update = try connection.prepare(
      """
      UPDATE rollouts SET status = ?2, stage = ?3, end_time = ?4, mode = ?5, resources_id = ?6, timeout_seconds = ?7,
        unresponsive_seconds = ?8, max_attempts = ?9, retry_condition = ?10, attempts = ?11, latest_attempt = ?12
      WHERE id = ?1
      """)
    let updateDocuments = try connection.prepare(
      "UPDATE rollout_documents SET input = ?2, metadata = ?3 WHERE rollout = ?1")
    let selectHead = try connection.prepare(
      """
      SELECT id, status IN ('queuing', 'requeuing') FROM rollouts WHERE queued IS NOT NULL ORDER BY queued LIMIT 1
      """)
    let leaveQueue = try connection.prepare("UPDATE rollouts SET queued = NULL WHERE id = ?1")
    let putIntoQueue = try connection.prepare("UPDATE rollouts SET queued = ?2 WHERE id = ?1")
    lastPlace = try connection.integer("SELECT max(queued) FROM rollouts WHERE queued IS NOT NULL") ?? 0
    self.find = find
    self.findRow = findRow
    self.findNarrow = findNarrow
    self.findRowNarrow = findRowNarrow
    self.insert = insert
    self.insertDocuments = insertDocuments
    self.update = update
    self.updateDocuments = updateDocuments
    self.selectHead = selectHead
    self.leaveQueue = leaveQueue
    self.putIntoQueue = putIntoQueue
  }

  /// - Parameter withDocuments: Whether input and metadata are read too; without, they are null.
  mutating func rollout(_ id: String, withDocuments: Bool = true) throws(SQLiteError) -> RolloutRow? {
    if !withDocuments {
      try findNarrow.bind(id, at: 1)
      return try findNarrow.first { (row: borrowing Row) in RolloutColumns.rollout(row) }
    }
    try find.bind(id, at: 1)
    return try find.first { (row: borrowing Row) in RolloutColumns.rollout(row) }
  }

  mutating func rollout(at row: Int64, withDocuments: Bool = true) throws(SQLiteError) -> RolloutRow? {
    if !withDocuments {
      try findRowNarrow.bind(row, at: 1)
      return try findRowNarrow.first { (row: borrowing Row) in RolloutColumns.rollout(row) }
    }
    try findRow.bind(row, at: 1)
    return try findRow.first { (row: borrowing Row) in RolloutColumns.rollout(row) }
  }

  /// Makes a rollout without attempts; one that is to wait gets a place at the end of the queue.
  mutating func insert(_ new: NewRolloutRow) throws(SQLiteError) -> RolloutRow {
    let place = new.status.isQueued ? lastPlace + 1 : nil
    while true {
      let rollout = Rollout(
        id: identifiers.rollout(), input: new.input, startTime: new.startTime, mode: new.mode,
        resourcesID: new.resourcesID, status: new.status, config: new.config, metadata: new.metadata)
      try insert.bind([
        .text(rollout.id), .text(rollout.status.rawValue), SQLValue(RolloutRow.stage(of: rollout)),
        .real(rollout.startTime),
        SQLValue(rollout.mode?.rawValue), SQLValue(rollout.resourcesID), SQLValue(rollout.config.timeoutSeconds),
        SQLValue(rollout.config.unresponsiveSeconds), .integer(rollout.config.maxAttempts),
        .text(RolloutColumns.text(rollout.config.retryCondition)), SQLValue(place),
      ])
      // An id that is taken, by chance or because spans have named it, gives no row.
      guard let id = try insert.first({ (row: borrowing Row) in row.int(at: 0) }) else { continue }
      try insertDocuments.run(.integer(id), .text(rollout.input.text), SQLValue(rollout.metadata?.text))
      if let place { lastPlace = place }
      return RolloutRow(id: id, rollout: rollout, attempts: 0, latestAttempt: nil, isInQueue: place != nil)
    }
  }

  /// Writes everything but the documents and the place in the queue.
  mutating func save(_ row: RolloutRow) throws(SQLiteError) {
    let rollout = row.rollout
    try update.run(
      .integer(row.id), .text(rollout.status.rawValue), SQLValue(row.stage), SQLValue(rollout.endTime),
      SQLValue(rollout.mode?.rawValue), SQLValue(rollout.resourcesID), SQLValue(rollout.config.timeoutSeconds),
      SQLValue(rollout.config.unresponsiveSeconds), .integer(rollout.config.maxAttempts),
      .text(RolloutColumns.text(rollout.config.retryCondition)), .integer(row.attempts), SQLValue(row.latestAttempt))
  }

  mutating func saveDocuments(_ row: RolloutRow) throws(SQLiteError) {
    try updateDocuments.run(.integer(row.id), .text(row.rollout.input.text), SQLValue(row.rollout.metadata?.text))
  }

  // MARK: Queue

  /// Puts a rollout at the end of the queue, unless it has a place already.
  mutating func enqueue(_ row: inout RolloutRow) throws(SQLiteError) {
    guard !row.isInQueue else { return }
    lastPlace += 1
    try putIntoQueue.run(.integer(row.id), .integer(lastPlace))
    row.isInQueue = true
  }

  /// The row of the first entry of the queue, and whether its rollout still waits; `nil` when the queue is empty.
  mutating func queueHead() throws(SQLiteError) -> (id: Int64, isWaiting: Bool)? {
    try selectHead.first { (row: borrowing Row) in (row.int(at: 0), row.int(at: 1) == 1) }
  }

  mutating func takeFromQueue(_ row: Int64) throws(SQLiteError) { try leaveQueue.run(.integer(row)) }

  /// Takes the first entry from the queue, whatever has become of its rollout.
  ///
  /// - Returns: `nil` when the queue is empty.
  mutating func dequeue() throws(SQLiteError) -> RolloutRow? {
    guard let head = try queueHead(), var row = try rollout(at: head.id) else { return nil }
    try takeFromQueue(head.id)
    row.isInQueue = false
    return row
  }
}

/// What a new rollout starts with.
struct NewRolloutRow {
  var input: JSONText
  var mode: RolloutMode?
  var resourcesID: String?
  var config: RolloutConfig
  var metadata: JSONText
  var status: RolloutStatus
  var startTime: Double
}
