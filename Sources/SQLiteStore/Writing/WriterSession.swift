import OTLP
import SQLite
import Telemetry
import TraceStore

/// The connection that writes, its statements, and everything that it remembers of the database.
///
/// After a rollback the session is thrown away: what it remembers may never have been stored.
final class WriterSession {
  let connection: Connection
  var tables: Attribution.Tables
  var services: ServiceNames
  var packer: SegmentPacker
  var inserter: SpanInserter
  var duplicates: DuplicateCheck
  var counters: StoreCounters
  let attribution: Attribution
  private let retagStep: Int
  var clientSpans: ClientSpans
  /// What deletes and moves spans.
  var removal: Removal
  /// Rollouts, attempts, workers and resources.
  let rollouts: RolloutMachine
  /// Targets that spans are sent on to.
  let forwarders: ForwarderTable
  /// Attempts that are known to be started, for spans that name theirs.
  var startedAttempts: Set<RolloutTag> = []
  /// What the transaction has stored.
  var change = AppendReceipt()
  /// What the COMMIT that was tried last changes of the tags of stored spans.
  private var retags = RetagBatch()

  private var begin: Statement
  private var commitTransaction: Statement

  /// Opens the database and reads what the writer has to know.
  init(
    path: String, _ options: SQLiteStoreOptions, recent: RecentTraces, filter: TraceFilter, schedule: WatchdogSchedule
  ) throws {
    connection = try Connection(path: path, vfs: options.vfs, collectsFrames: true)
    connection.setBusyTimeout(milliseconds: Int32(clamping: options.busyTimeout.milliseconds))
    try Schema.migrate(connection, path: path)
    try connection.execute(
      """
      PRAGMA synchronous = \(options.durability == .power ? "FULL" : "NORMAL");
      PRAGMA secure_delete = FAST;
      PRAGMA cache_size = -8192;
      PRAGMA temp_store = MEMORY;
      PRAGMA journal_size_limit = \(4 * options.checkpointBytes);
      """)
    connection.watchWAL()
    counters = try StoreCounters(connection)
    tables = Attribution.Tables(
      traces: try TraceIndex(
        connection, counters.traces, recent: recent, filter: filter, capacities: options.traceIndex),
      tags: try TagResolver(connection))
    attribution = try Attribution(connection, autoRollout: options.autoRollout, patience: options.retagPatience)
    retagStep = options.retagStep
    services = try ServiceNames(connection)
    packer = try SegmentPacker(connection, lastID: counters.lastSegment)
    inserter = try SpanInserter(connection)
    duplicates = try DuplicateCheck(connection)
    clientSpans = try ClientSpans(connection)
    removal = try Removal(connection)
    rollouts = try RolloutMachine(connection, schedule)
    try attribution.hide(removal.deletions, connection)
    forwarders = try ForwarderTable(connection)
    attribution.outbox = forwarders.outbox
    begin = try connection.prepare("BEGIN IMMEDIATE")
    commitTransaction = try connection.prepare("COMMIT")
  }

  /// Traces that are in the lookup table, at most.
  var lookedUpTraces: Int64 { tables.traces.lookedUpID }

  /// The number of the last span that was accepted.
  var lastArrival: Int64 { counters.lastArrival }

  /// Makes these targets of forwarding the active ones.
  func activate(_ targets: [NewForwarder]) throws(SQLiteError) -> [ForwarderRecord] {
    try forwarders.activate(targets, lastArrival: counters.lastArrival, connection)
  }

  /// Whether spans are left to be tagged anew.
  var hasRetagWork: Bool { !attribution.queue.isEmpty }

  /// Starts a transaction.
  ///
  /// - Parameter isFollowed: Whether somebody is to hear of changes of tags.
  func beginTransaction(received: Int64, isFollowed: Bool) throws(SQLiteError) {
    change = AppendReceipt()
    attribution.received = received
    attribution.retags.begin(lastArrival: counters.lastArrival, isFollowed: isFollowed)
    try begin.run()
  }

  /// Goes on with what came later than the first writes of the transaction.
  func goOn(received: Int64) { attribution.received = received }

  // MARK: Attribution

  /// Takes a fact about where spans belong.
  func attribute<Result>(
    received: Int64, _ body: (Attribution, inout Attribution.Tables) throws(SQLiteError) -> Result
  ) throws(SQLiteError) -> Result {
    try settle(received: received)
    return try body(attribution, &tables)
  }

  // MARK: Rollouts

  /// Writes what spans have changed of their rollouts and attempts, so that it can be seen.
  func settle(received: Int64) throws(SQLiteError) {
    rollouts.attempts.lastArrival = counters.lastArrival
    // They hold the counters of rollouts, which may be forgotten here.
    try attribution.writeChanges(&tables)
    for attempt in try tables.tags.flush(received: received) {
      try rollouts.signs.heard(of: attempt, now: Double(received) / 1e9, rollouts.watchdog)
    }
  }

  /// Takes the next number of a rollout.
  func nextSequence(_ tag: RolloutTag, received: Int64) throws(SQLiteError) -> Int64 {
    let resolved = try tables.tags.resolve(tag, received: received)
    let sequence = tables.tags.nextNumber(of: resolved.rollout) ?? 1
    tables.tags.use(sequence, resolved.rollout, attempt: resolved.rows.attempt)
    return sequence
  }

  /// Stores a span of an attempt that is known.
  ///
  /// - Returns: Whether it is new.
  func add(_ span: NewSpan, received: Int64) throws -> Bool {
    let tag = RolloutTag(rolloutID: span.rolloutID, attemptID: span.attemptID)
    try checkStarted(tag, span, received: received)
    let resolved = try tables.tags.resolve(tag, received: received)
    // A repeat counts too.
    tables.tags.use(span.sequence, resolved.rollout, attempt: resolved.rows.attempt)
    // What is decided of spans in this transaction counts.
    try attribution.writeChanges(&tables)
    let trace = try tables.traces.existingRow(of: span.batch.spans[0].traceID) ?? 0
    guard try !clientSpans.contains(span, attempt: resolved.rows.attempt, trace: trace) else { return false }
    let receipt = try append(
      span.batch, segments: span.batch.segments.indices, received: received, sequence: span.sequence)
    guard receipt.stored == 1 else { return false }
    try clientSpans.add(span, attempt: resolved.rows.attempt, arrival: counters.lastArrival)
    return true
  }

  private func checkStarted(_ tag: RolloutTag, _ span: NewSpan, received: Int64) throws {
    guard !startedAttempts.contains(tag) else { return }
    let rollout = try rollouts.find(span.rolloutID, withDocuments: false)
    do {
      _ = try rollouts.find(attempt: span.attemptID, of: rollout)
    } catch {
      // Its number counts in the rollout all the same.
      let resolved = try tables.tags.resolve(RolloutTag(rolloutID: span.rolloutID), received: received)
      tables.tags.use(span.sequence, resolved.rollout, attempt: resolved.rows.attempt)
      throw error
    }
    if startedAttempts.count >= 16 << 10 { startedAttempts.removeAll(keepingCapacity: true) }
    startedAttempts.insert(tag)
  }

  /// Makes sure that the commit writes something: SQLite leaves out a page whose contents stay the same.
  func touch() { packer.skipID() }

  /// Writes what was collected, and commits.
  func commit(received: Int64) throws {
    try attribution.work(budget: retagStep, &tables)
    try removal.losses.save(&packer, connection)
    let outcome = try packer.commit()
    if outcome == .tookBack { duplicates.forgetOpenSegment() }
    try settle(received: received)
    try tables.traces.maintain(connection) { attribution.states.columnOfNew($0) }
    try attribution.save()
    let changes = try attribution.takeRetags()
    try counters.commit(
      change, lastSegment: packer.lastSegment, tables.traces.counters, isInPart: outcome == .wrotePart)
    retags = changes
    try commitTransaction.run()
    tables.traces.didCommit()
  }

  /// What the last commit has changed of the tags of stored spans.
  func takeRetags() -> RetagBatch {
    defer { retags = RetagBatch() }
    return retags
  }

  /// Ends a transaction that failed.
  ///
  /// Some errors have ended it already.
  func rollBack() {
    if connection.isInTransaction { try? connection.execute("ROLLBACK") }
  }
}

extension Duration {
  /// Whole milliseconds.
  var milliseconds: Int64 { components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000 }
}
