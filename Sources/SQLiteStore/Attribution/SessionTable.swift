import SQLite
import Telemetry
import TraceStore

/// The registered sessions, and the sessions that spans name.
struct SessionTable: ~Copyable {
  /// A registration as a row.
  struct Entry {
    var id: Int64
    var attempt: Int64
    var created: Int64

    init(id: Int64, attempt: Int64, created: Int64) {
      self.id = id
      self.attempt = attempt
      self.created = created
    }

    /// Reads the first three columns.
    init(_ row: borrowing Row) { self.init(id: row.int(at: 0), attempt: row.int(at: 1), created: row.int(at: 2)) }
  }

  private static let capacity = 16 << 10

  /// Whether there has been a registration since the database was opened.
  private(set) var mayHaveSome: Bool
  /// The rows of names.
  fileprivate var known: [ExactText: Int64] = [:]
  private var findName: Statement
  private var insertName: Statement
  private var selectName: Statement
  fileprivate var removeName: Statement
  private var find: Statement
  private var insert: Statement
  private var replace: Statement
  private var remove: Statement
  private var search: RegistrationSearch
  private var insertSpan: Statement
  private var ofSpan: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let findName = try connection.prepare("SELECT id FROM session_names WHERE name = ?1")
    let insertName = try connection.prepare("INSERT INTO session_names(name) VALUES(?1) RETURNING id")
    let selectName = try connection.prepare("SELECT name FROM session_names WHERE id = ?1")
    let removeName = try connection.prepare(
      """
      DELETE FROM session_names WHERE id = ?1
        AND NOT EXISTS (SELECT 1 FROM span_sessions WHERE session = ?1)
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE session = ?1)
      """)
    let find = try connection.prepare(
      "SELECT id, attempt, created FROM sessions WHERE session = ?1 AND start_time = ?2")
    let insert = try connection.prepare(
      """
      INSERT INTO sessions(session, start_time, end_time, attempt, created) VALUES(?1, ?2, ?3, ?4, ?5) RETURNING id
      """)
    let replace = try connection.prepare("UPDATE sessions SET end_time = ?2, attempt = ?3, created = ?4 WHERE id = ?1")
    let remove = try connection.prepare("DELETE FROM sessions WHERE id = ?1 RETURNING session, start_time")
    let insertSpan = try connection.prepare("INSERT OR IGNORE INTO span_sessions VALUES(?1, ?2, ?3, ?4, ?5)")
    let ofSpan = try connection.prepare(
      "SELECT session FROM span_sessions WHERE trace = ?1 AND span_id = ?2 AND variant = ?3 ORDER BY key")
    let search = try RegistrationSearch(connection)
    mayHaveSome = try connection.integer("SELECT EXISTS (SELECT * FROM sessions)") == 1
    self.findName = findName
    self.insertName = insertName
    self.selectName = selectName
    self.removeName = removeName
    self.find = find
    self.insert = insert
    self.replace = replace
    self.remove = remove
    self.search = search
    self.insertSpan = insertSpan
    self.ofSpan = ofSpan
  }

  /// The row of a session's name, made when it is new.
  mutating func row(of name: String) throws(SQLiteError) -> Int64 {
    if let row = known[ExactText(name)] { return row }
    try findName.bind(name, at: 1)
    var row = try findName.first { (row: borrowing Row) in row.int(at: 0) }
    if row == nil {
      try insertName.bind(name, at: 1)
      row = try insertName.first { (row: borrowing Row) in row.int(at: 0) }
    }
    if known.count >= Self.capacity { known.removeAll(keepingCapacity: true) }
    known[ExactText(name)] = row
    return row ?? 0
  }

  /// The name behind a row.
  mutating func name(of row: Int64) throws(SQLiteError) -> String {
    try selectName.bind(row, at: 1)
    return try selectName.first { (row: borrowing Row) in row.string(at: 0) } ?? ""
  }

  /// Adds a registration, or replaces the one of this session with the same start.
  mutating func register(session: Int64, from: UInt64, to: UInt64?, attempt: Int64, now: Int64) throws(SQLiteError)
    -> (entry: Entry, isNew: Bool)
  {
    mayHaveSome = true
    try find.bind(session, at: 1)
    try find.bind(Int64(bitPattern: from), at: 2)
    if let found = try find.first({ (row: borrowing Row) in Entry(row) }) {
      try replace.bind(found.id, at: 1)
      try replace.bind(to.map { Int64(bitPattern: $0) }, at: 2)
      try replace.bind(attempt, at: 3)
      try replace.bind(now, at: 4)
      try replace.run()
      try search.didChange(from, of: session)
      return (Entry(id: found.id, attempt: attempt, created: now), false)
    }
    try insert.bind(session, at: 1)
    try insert.bind(Int64(bitPattern: from), at: 2)
    try insert.bind(to.map { Int64(bitPattern: $0) }, at: 3)
    try insert.bind(attempt, at: 4)
    try insert.bind(now, at: 5)
    let id = try insert.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    try search.didAdd(RegistrationBlocks.Time(from: from, to: to), to: session)
    return (Entry(id: id, attempt: attempt, created: now), true)
  }

  /// Removes a registration.
  ///
  /// - Returns: The row of the session's name.
  mutating func remove(_ id: Int64) throws(SQLiteError) -> Int64? {
    try remove.bind(id, at: 1)
    let removed = try remove.first { (row: borrowing Row) in (session: row.int(at: 0), start: row.int(at: 1)) }
    if let removed { try search.didChange(UInt64(bitPattern: removed.start), of: removed.session) }
    return removed?.session
  }

  /// The registration of a session that holds a time.
  mutating func registration(of session: Int64, holding start: UInt64) throws(SQLiteError) -> Entry? {
    mayHaveSome ? try search.registration(of: session, holding: start) : nil
  }

  /// Notes that a span names a session.
  mutating func add(_ key: SpanSession.Key, session: Int64, to span: SpanKey) throws(SQLiteError) {
    try insertSpan.bind(span.trace, at: 1)
    try insertSpan.bind(span.spanID, at: 2)
    try insertSpan.bind(span.variant, at: 3)
    try insertSpan.bind(Int64(key.rawValue), at: 4)
    try insertSpan.bind(session, at: 5)
    try insertSpan.run()
  }

  /// The sessions that a span names, in the order in which they count.
  mutating func of(_ span: SpanKey) throws(SQLiteError) -> [Int64] {
    var found: [Int64] = []
    try ofSpan.bind(span.trace, at: 1)
    try ofSpan.bind(span.spanID, at: 2)
    try ofSpan.bind(span.variant, at: 3)
    try ofSpan.forEach { (row: borrowing Row) in found.append(row.int(at: 0)) }
    return found
  }
}

extension SessionTable {
  /// Drops names that no span and no registration has.
  mutating func forget(unused rows: [Int64]) throws(SQLiteError) {
    for row in rows { try removeName.run(.integer(row)) }
    known.removeAll(keepingCapacity: true)
  }
}
