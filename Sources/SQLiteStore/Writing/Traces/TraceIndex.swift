import SQLite
import Telemetry

/// Finds the row of a trace by its id, and makes one for a new trace.
///
/// A unique index over random ids would write one page for each new trace as soon as it outgrew the cache: 28,000 new
/// traces a second were measured that way at one million. So the index is a merge tree: new traces stay in memory (and
/// in `traces`, in order of arrival, which costs little), move as sorted runs into level 1 of `trace_lookup`, and from
/// there into the next. Each move is made in small steps within the transactions that bring spans. An entry is always
/// in at least one place; a crash in the middle of a move leaves it where the next start finds it.
struct TraceIndex: ~Copyable {
  /// How many traces a place holds before they move on.
  struct Capacities: Sendable {
    /// New traces that are kept in memory before they move to level 1.
    var memory = 32 << 10
    /// Entries of level 1 and 2; the last level takes everything.
    var levels: [Int64] = [512 << 10, 8 << 20]
    /// The smallest step of a move, in entries.
    var minimumStep = 256
    /// Searches in vain before a filter of the table is made.
    var searchesInVain = 1024
  }

  private let capacities: Capacities
  private let recent: RecentTraces
  private let filter: TraceFilter
  private let key: TraceKey
  private var lastID: Int64
  private(set) var lookedUpID: Int64

  private var lastTrace: (id: TraceID, row: Int64)?
  private var insertTraces: BulkInsert
  private var findTrace: Statement
  private var insertLookups: BulkInsert
  private var moveUp: Statement
  private var removeMoved: Statement
  private var endOfStep: Statement
  private var removeStale: Statement

  /// What leaves the memory, sorted, and how far that got.
  private var leaving: [(key: Int64, row: Int64)] = []
  private var nextLeaving = 0
  private var lastLeavingID: Int64 = 0
  /// Entries of the levels that can overflow.
  private var levelCounts: [Int64]
  /// Where the next step of a move out of a level starts.
  private var cursors: [Int64]
  /// Traces that are new in this transaction; their rows are written before its commit.
  private var new: [(id: TraceID, row: Int64)] = []

  /// Reads the state of the index, and the traces that are not in the table yet.
  init(
    _ connection: borrowing Connection, _ counters: StoreCounters.Traces, recent: RecentTraces, filter: TraceFilter,
    capacities: Capacities
  ) throws(SQLiteError) {
    let insertTraces = try BulkInsert(connection, into: "traces", "(id, trace_id, binding)", columns: 3)
    let findTrace = try connection.prepare(
      """
      SELECT trace_lookup.trace FROM trace_lookup JOIN traces ON traces.id = trace_lookup.trace
      WHERE level IN (1, 2, 3) AND key = ?1 AND trace_id = ?2
      """)
    let insertLookups = try BulkInsert(connection, into: "trace_lookup", columns: 3, "ON CONFLICT DO NOTHING")
    let moveUp = try connection.prepare(
      """
      INSERT OR IGNORE INTO trace_lookup
      SELECT level + 1, key, trace FROM trace_lookup WHERE level = ?1 AND key >= ?2 AND key <= ?3
      """)
    let removeMoved = try connection.prepare("DELETE FROM trace_lookup WHERE level = ?1 AND key >= ?2 AND key <= ?3")
    let endOfStep = try connection.prepare(
      "SELECT key FROM trace_lookup WHERE level = ?1 AND key >= ?2 ORDER BY key LIMIT 1 OFFSET ?3")
    let removeStale = try connection.prepare(
      """
      DELETE FROM trace_lookup WHERE level = ?1 AND key >= ?2 AND key <= ?3
        AND NOT EXISTS (SELECT 1 FROM traces WHERE id = trace_lookup.trace)
      """)
    var salts = try connection.prepare("SELECT salt_high, salt_low FROM store")
    let salt = try salts.first { (row: borrowing Row) in (row.int(at: 0), row.int(at: 1)) }
    guard let salt else {
      throw SQLiteError(code: .corrupt, operation: "open", message: "the table store has no row")
    }
    try Self.load(recent, after: counters.lookedUp, connection)
    self.recent = recent
    self.filter = filter
    self.capacities = capacities
    cursors = capacities.levels.map { _ in .min }
    key = TraceKey(saltHigh: UInt64(bitPattern: salt.0), saltLow: UInt64(bitPattern: salt.1))
    lastID = counters.last
    lookedUpID = counters.lookedUp
    levelCounts = counters.levels
    self.insertTraces = insertTraces
    self.findTrace = findTrace
    self.insertLookups = insertLookups
    self.moveUp = moveUp
    self.removeMoved = removeMoved
    self.endOfStep = endOfStep
    self.removeStale = removeStale
  }

  private static func load(_ recent: RecentTraces, after lookedUpID: Int64, _ connection: borrowing Connection)
    throws(SQLiteError)
  {
    var found: [TraceID: Int64] = [:]
    var traces = try connection.prepare("SELECT id, trace_id FROM traces WHERE id > \(lookedUpID)")
    try traces.forEach { (row: borrowing Row) in
      if let traceID = TraceID(row.bytes(at: 1)) { found[traceID] = row.int(at: 0) }
    }
    recent.replace(with: found, after: lookedUpID)
  }

  /// What is to be stored with the transaction.
  var counters: StoreCounters.Traces {
    StoreCounters.Traces(last: lastID, lookedUp: lookedUpID, levels: levelCounts)
  }

  /// The row of a trace, made when it is new.
  mutating func row(of traceID: TraceID) throws(SQLiteError) -> Int64 {
    if let lastTrace, lastTrace.id == traceID { return lastTrace.row }
    if let row = try existingRow(of: traceID) {
      lastTrace = (traceID, row)
      return row
    }
    lastID += 1
    new.append((traceID, lastID))
    recent.insert(traceID, lastID)
    lastTrace = (traceID, lastID)
    return lastID
  }

  /// Whether a trace has come with this transaction.
  func isNew(_ row: Int64) -> Bool { row > lastID - Int64(new.count) }

  /// The row of a trace; `nil` when it has not come yet.
  mutating func existingRow(of traceID: TraceID) throws(SQLiteError) -> Int64? {
    if let row = recent[traceID], forgotten.isEmpty || forgotten[traceID] != row { return row }
    // Without entries in the table there is nothing to find: the memory has all of them.
    guard lookedUpID > 0 else { return nil }
    let key = key(traceID)
    guard filter.mayContain(key) else { return nil }
    try findTrace.bind(key, at: 1)
    try traceID.withBytes { bytes throws(SQLiteError) in try findTrace.bind(bytes, at: 2) }
    let row = try findTrace.first { (row: borrowing Row) in row.int(at: 0) }
    if row == nil { filter.didSearchInVain() }
    return row
  }

  /// Forgets a trace whose row was deleted in this transaction.
  ///
  /// Readers forget it after the commit: until then, and if there is none, it is there for them.
  ///
  /// - Returns: Whether an entry of it is left in the table, or on its way there.
  mutating func forget(_ traceID: TraceID, _ row: Int64) -> Bool {
    if lastTrace?.id == traceID { lastTrace = nil }
    forgotten[traceID] = row
    return !recent.isGrowing(traceID)
  }

  /// Drops entries whose traces were deleted, from one level and from `cursor` on.
  ///
  /// - Returns: How many, and where to go on; `nil` at the end of the level.
  mutating func sweep(level: Int, from cursor: Int64, step: Int, _ connection: borrowing Connection)
    throws(SQLiteError) -> (removed: Int64, next: Int64?)
  {
    try endOfStep.bind(Int64(level), at: 1)
    try endOfStep.bind(cursor, at: 2)
    try endOfStep.bind(Int64(step), at: 3)
    let end = try endOfStep.first { (row: borrowing Row) in row.int(at: 0) }
    try removeStale.run(.integer(Int64(level)), .integer(cursor), .integer(end ?? .max))
    let removed = Int64(connection.changes)
    if level <= levelCounts.count { levelCounts[level - 1] = max(0, levelCounts[level - 1] - removed) }
    return (removed, end.flatMap { $0 == .max ? nil : $0 + 1 })
  }

  /// Levels of the table, from 1 on.
  var levels: Int { capacities.levels.count + 1 }

  /// Makes a step of the moves that are due.
  ///
  /// Called once a transaction, before its commit.
  ///
  /// - Parameter binding: What is known of a new trace.
  mutating func maintain(_ connection: borrowing Connection, binding: (Int64) -> Int64?) throws(SQLiteError) {
    // Twice as fast as traces come in, so that a move always ends before the next one is due; and what one huge request
    // brought leaves the memory within some hundred transactions.
    let step = max(capacities.minimumStep, 2 * new.count, leaving.count / 128)
    try insertNew(binding)
    if nextLeaving == leaving.count && recent.growingCount >= capacities.memory { startLeaving() }
    try moveOutOfMemory(step)
    for level in 1...capacities.levels.count where levelCounts[level - 1] > capacities.levels[level - 1] {
      try moveOut(of: level, step, connection)
    }
  }

  private mutating func insertNew(_ binding: (Int64) -> Int64?) throws(SQLiteError) {
    for trace in new {
      if insertTraces.isFull { try insertTraces.run() }
      insertTraces.add(trace.row)
      trace.id.withBytes { insertTraces.addBlob($0) }
      insertTraces.add(binding(trace.row))
    }
    try insertTraces.run()
    new.removeAll(keepingCapacity: true)
  }

  private mutating func startLeaving() {
    lastLeavingID = lastID
    leaving = recent.startLeaving().map { (key($0.key), $0.value) }
    leaving.sort { $0 < $1 }
    nextLeaving = 0
  }

  private mutating func moveOutOfMemory(_ step: Int) throws(SQLiteError) {
    guard nextLeaving < leaving.count else { return }
    let end = min(nextLeaving + step, leaving.count)
    let entries = leaving[nextLeaving..<end]
    filter.insert(entries.lazy.map(\.key))
    for entry in entries {
      if insertLookups.isFull { try insertLookups.run() }
      insertLookups.add(1)
      insertLookups.add(entry.key)
      insertLookups.add(entry.row)
    }
    try insertLookups.run()
    levelCounts[0] += Int64(end - nextLeaving)
    nextLeaving = end
    guard end == leaving.count else { return }
    // The writer stores this number with the same transaction.
    lookedUpID = lastLeavingID
    hasFinishedLeaving = true
  }

  private var hasFinishedLeaving = false

  /// Traces that were deleted in this transaction, with their rows.
  private var forgotten: [TraceID: Int64] = [:]

  /// Told after a commit: what has left the memory can be found in the table now.
  mutating func didCommit() {
    if !forgotten.isEmpty {
      recent.remove(forgotten)
      forgotten.removeAll(keepingCapacity: true)
    }
    guard hasFinishedLeaving else { return }
    hasFinishedLeaving = false
    leaving = []
    nextLeaving = 0
    recent.finishLeaving(upTo: lookedUpID)
  }

  private mutating func moveOut(of level: Int, _ step: Int, _ connection: borrowing Connection) throws(SQLiteError) {
    let start = cursors[level - 1]
    try endOfStep.bind(Int64(level), at: 1)
    try endOfStep.bind(start, at: 2)
    try endOfStep.bind(Int64(step), at: 3)
    let end = try endOfStep.first { (row: borrowing Row) in row.int(at: 0) } ?? .max
    for index in 1...3 {
      let value = index == 1 ? Int64(level) : index == 2 ? start : end
      try moveUp.bind(value, at: Int32(index))
      try removeMoved.bind(value, at: Int32(index))
    }
    try moveUp.run()
    try removeMoved.run()
    let moved = Int64(connection.changes)
    levelCounts[level - 1] -= moved
    if level < levelCounts.count { levelCounts[level] += moved }
    cursors[level - 1] = end == .max ? .min : end
  }
}

extension TraceID {
  /// Reads an id from 16 bytes.
  init?(_ bytes: Span<UInt8>) {
    guard bytes.count == 16 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for index in 0..<8 { high = high << 8 | UInt64(bytes[index]) }
    for index in 8..<16 { low = low << 8 | UInt64(bytes[index]) }
    self.init(high: high, low: low)
  }

  /// Lends the 16 bytes.
  func withBytes<Failure>(_ body: (Span<UInt8>) throws(Failure) -> Void) throws(Failure) {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    for index in 0..<8 {
      bytes[index] = UInt8(truncatingIfNeeded: high >> UInt64(56 - 8 * index))
      bytes[index + 8] = UInt8(truncatingIfNeeded: low >> UInt64(56 - 8 * index))
    }
    try body(bytes.span)
  }
}
