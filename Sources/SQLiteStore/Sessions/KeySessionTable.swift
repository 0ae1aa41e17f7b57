import SQLite
import Telemetry
import TraceStore

/// The sessions that are bound to keys, as rows.
///
/// What it changes is collected for the index in memory, which hears of it after the commit.
struct KeySessionTable: ~Copyable {
  private static let columns = """
    key_sessions.id, session_id, task_id, group_id, key_hash, rollout_id, attempt_id, created, lifetime, idle_timeout,
    models, max_requests, last_used, requests, ending, ended
    """

  private static let tables = """
    key_sessions JOIN attempts ON attempts.id = key_sessions.attempt JOIN rollouts ON rollouts.id = attempts.rollout
    """

  /// The open sessions of attempts: mostly one, and of most attempts none.
  private var open: [Int64: [Int64]] = [:]
  private(set) var openCount = 0
  private var changes: [SessionKeyIndex.Change] = []

  private var find: Statement
  private var findByKey: Statement
  private var select: Statement
  private var insert: Statement
  private var end: Statement
  private var releaseKey: Statement
  private var remove: Statement
  private var use: Statement
  private var number: Statement
  private var selectOld: Statement
  private var selectSurplus: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare("SELECT \(Self.columns) FROM \(Self.tables) WHERE key_sessions.id = ?1")
    let findByKey = try connection.prepare("SELECT \(Self.columns) FROM \(Self.tables) WHERE key_hash = ?1")
    let select = try connection.prepare("SELECT \(Self.columns) FROM \(Self.tables)")
    let insert = try connection.prepare(
      """
      INSERT INTO key_sessions(session_id, task_id, group_id, attempt, created, lifetime, idle_timeout, models,
        max_requests, last_used, requests, key_hash)
      VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?5, 0, ?10) RETURNING id
      """)
    let end = try connection.prepare(
      "UPDATE key_sessions SET ending = ?2, ended = ?3 WHERE id = ?1 AND ending IS NULL RETURNING attempt")
    let releaseKey = try connection.prepare("UPDATE key_sessions SET key_hash = NULL WHERE id = ?1")
    let remove = try connection.prepare("DELETE FROM key_sessions WHERE id = ?1 RETURNING attempt, ending IS NULL")
    let use = try connection.prepare(
      """
      UPDATE key_sessions SET last_used = max(last_used, ?2), requests = max(requests, ?3) WHERE id = ?1
      """)
    let number = try connection.prepare(
      """
      INSERT INTO session_tasks VALUES(?1, 1) ON CONFLICT DO UPDATE SET sessions = sessions + 1 RETURNING sessions - 1
      """)
    let selectOld = try connection.prepare("SELECT id FROM key_sessions WHERE ended < ?1 ORDER BY ended LIMIT ?2")
    let selectSurplus = try connection.prepare(
      "SELECT id FROM key_sessions WHERE ended IS NOT NULL ORDER BY ended DESC LIMIT ?2 OFFSET ?1")
    var ofAttempts: [Int64: [Int64]] = [:]
    var count = 0
    var selectOpen = try connection.prepare("SELECT id, attempt FROM key_sessions WHERE ending IS NULL")
    try selectOpen.forEach { (row: borrowing Row) in
      ofAttempts[row.int(at: 1), default: []].append(row.int(at: 0))
      count += 1
    }
    open = ofAttempts
    openCount = count
    self.find = find
    self.findByKey = findByKey
    self.select = select
    self.insert = insert
    self.end = end
    self.releaseKey = releaseKey
    self.remove = remove
    self.use = use
    self.number = number
    self.selectOld = selectOld
    self.selectSurplus = selectSurplus
  }

  /// Gives away what has changed since the last time.
  mutating func takeChanges() -> [SessionKeyIndex.Change] {
    guard !changes.isEmpty else { return [] }
    defer { changes = [] }
    return changes
  }

  // MARK: Find

  private static func read(_ row: borrowing Row) -> KeySession {
    let limits = SessionLimits(
      lifetime: row.optionalInt(at: 8), idleTimeout: row.optionalInt(at: 9),
      models: row.optionalString(at: 10).map { $0.split(separator: "\n").map(String.init) },
      requests: row.optionalInt(at: 11))
    var session = KeySession(
      row: row.int(at: 0), id: row.string(at: 1), taskID: row.string(at: 2), groupID: row.string(at: 3),
      key: SessionKeyHash(row.bytes(at: 4)), rolloutID: row.string(at: 5), attemptID: row.string(at: 6),
      limits: limits, created: row.int(at: 7), lastUsed: row.int(at: 12))
    session.requests = row.int(at: 13)
    session.ending = row.optionalInt(at: 14).flatMap(KeySession.Ending.init(rawValue:))
    session.ended = row.optionalInt(at: 15)
    return session
  }

  mutating func all() throws(SQLiteError) -> [KeySession] {
    var sessions: [KeySession] = []
    try select.forEach { (row: borrowing Row) in sessions.append(Self.read(row)) }
    return sessions
  }

  mutating func session(_ row: Int64) throws(SQLiteError) -> KeySession? {
    try find.bind(row, at: 1)
    return try find.first { (row: borrowing Row) in Self.read(row) }
  }

  mutating func session(of key: SessionKeyHash) throws(SQLiteError) -> KeySession? {
    try findByKey.bind(key.bytes.span, at: 1)
    return try findByKey.first { (row: borrowing Row) in Self.read(row) }
  }

  /// Sessions that ended long ago, or that are too many.
  mutating func outlived(before time: Int64, atMost count: Int, limit: Int64) throws(SQLiteError) -> [Int64] {
    var rows: Set<Int64> = []
    try selectOld.bind([.integer(time), .integer(limit)])
    try selectOld.forEach { (row: borrowing Row) in rows.insert(row.int(at: 0)) }
    try selectSurplus.bind([.integer(Int64(count)), .integer(limit)])
    try selectSurplus.forEach { (row: borrowing Row) in rows.insert(row.int(at: 0)) }
    return rows.sorted()
  }

  /// Open sessions of which the rows are told.
  func openRows() -> [Int64] { open.values.flatMap { $0 }.sorted() }

  // MARK: Change

  /// Binds a key to an attempt.
  mutating func add(_ new: NewKeySession, attempt: Int64, now: Int64) throws(SQLiteError) -> KeySession {
    try number.bind(new.taskID, at: 1)
    let index = try number.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    try insert.bind([
      .text("\(new.taskID)-\(index)"), .text(new.taskID), .text(new.groupID), .integer(attempt), .integer(now),
      SQLValue(new.limits.lifetime), SQLValue(new.limits.idleTimeout),
      SQLValue(new.limits.models?.joined(separator: "\n")), SQLValue(new.limits.requests),
    ])
    try insert.bind(new.key.bytes.span, at: 10)
    let row = try insert.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    open[attempt, default: []].append(row)
    openCount += 1
    guard let session = try session(row) else {
      throw SQLiteError(code: .corrupt, operation: "read", message: "a session that was inserted has no row")
    }
    changes.append(.put(session))
    return session
  }

  /// Ends a session that is open.
  mutating func end(_ row: Int64, _ ending: KeySession.Ending, now: Int64) throws(SQLiteError) {
    try end.bind([.integer(row), .integer(ending.rawValue), .integer(now)])
    guard let attempt = try end.first({ (row: borrowing Row) in row.int(at: 0) }) else { return }
    close(row, attempt)
    if let session = try session(row) { changes.append(.put(session)) }
  }

  private mutating func close(_ row: Int64, _ attempt: Int64) {
    openCount -= 1
    open[attempt]?.removeAll { $0 == row }
    if open[attempt]?.isEmpty == true { open[attempt] = nil }
  }

  /// Ends what is open of an attempt, which has come to an end.
  ///
  /// - Parameter now: Seconds since 1970.
  mutating func attemptEnded(_ attempt: Int64, now: Double) throws(SQLiteError) {
    guard let rows = open[attempt] else { return }
    for row in rows { try end(row, .attemptEnded, now: Int64(now * 1e9)) }
  }

  /// Takes the key from a session, for another one.
  mutating func releaseKey(of row: Int64) throws(SQLiteError) {
    try releaseKey.run(.integer(row))
    if let session = try session(row) { changes.append(.put(session)) }
  }

  mutating func remove(_ row: Int64) throws(SQLiteError) {
    try remove.bind(row, at: 1)
    let removed = try remove.first { (row: borrowing Row) in (attempt: row.int(at: 0), isOpen: row.int(at: 1) == 1) }
    guard let removed else { return }
    if removed.isOpen { close(row, removed.attempt) }
    changes.append(.remove(row))
  }

  /// Notes how much a session was used.
  mutating func use(_ usage: SessionUsage) throws(SQLiteError) {
    try use.run(.integer(usage.row), .integer(usage.lastUsed), .integer(usage.requests))
  }
}
