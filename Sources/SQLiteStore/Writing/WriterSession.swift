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
  private var services: ServiceNames
  var packer: SegmentPacker
  private var inserter: SpanInserter
  private var duplicates: DuplicateCheck
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
  /// Rows of the batch that are inserted together, the rollout of each, and the place of the first in the batch.
  private var waiting: [SpanInserter.Row] = []
  private var waitingRollouts: [TagResolver.Rollout?] = []
  private var firstWaiting = 0
  private var change = AppendReceipt()
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

  /// Adds some segments of a batch to the transaction.
  ///
  /// - Parameter sequence: The number of the only span, which can be one that no span of OTLP has.
  func append(_ batch: SpanBatch, segments: Range<Int>, received: Int64, sequence: Int64? = nil) throws
    -> AppendReceipt
  {
    var receipt = AppendReceipt()
    var variants: [Int: Int64] = [:]
    // Once for all spans: a request has few tags and contexts.
    var resolvedTags = [TagResolver.Resolved?](repeating: nil, count: batch.tags.count)
    var resolvedServices = [Int64?](repeating: nil, count: batch.contexts.count)
    let drafts = batch.segments[segments]
    let spans = (drafts.first?.spans.lowerBound ?? 0)..<(drafts.last?.spans.upperBound ?? 0)
    for index in spans where resolvedTags[Int(batch.spans[index].tag)] == nil {
      let tag = Int(batch.spans[index].tag)
      resolvedTags[tag] = try tables.tags.resolve(batch.tags[tag], received: received)
    }
    let plan = try attribution.plan(batch, spans, resolvedTags, &tables)
    for draft in drafts {
      let place = try packer.begin(draft, received: received)
      firstWaiting = draft.spans.lowerBound
      for index in draft.spans {
        let span = batch.spans[index]
        guard let own = resolvedTags[Int(span.tag)] else { continue }
        let given = sequence ?? (span.sequence >= 0 ? span.sequence : nil)
        var code = RuleCode(own: batch.tags[Int(span.tag)])
        let target = plan.target(of: index)
        if let target { code = code.with(rollout: target.rule) }
        let tag = target?.tag ?? own
        code.isNumberIssued = given == nil && tag.rollout != nil
        let placement = SpanInserter.Placement(
          trace: plan.trace(of: index), rows: tag.rows, sequence: given, code: code,
          service: try resolve(span.context, batch.contexts, &resolvedServices), segment: place.segment,
          start: place.start)
        waiting.append(SpanInserter.Row(facts: span, placement: placement))
        waitingRollouts.append(tag.rollout)
        if waiting.count == SpanInserter.rowsAtOnce { try insertWaiting(batch, draft, place, &receipt, &variants) }
      }
      try insertWaiting(batch, draft, place, &receipt, &variants)
    }
    try attribution.didInsert(batch, spans, plan, variants, &tables)
    change.stored += receipt.stored
    change.variants += receipt.variants
    change.duplicates += receipt.duplicates
    return receipt
  }

  private func resolve(_ index: Int32, _ contexts: [SpanContext], _ resolved: inout [Int64?]) throws -> Int64 {
    if let known = resolved[Int(index)] { return known }
    let row = try services.row(of: contexts[Int(index)].service)
    resolved[Int(index)] = row
    return row
  }

  /// Inserts the rows that wait: all at once when there are enough and all of them are new, else one by one.
  private func insertWaiting(
    _ batch: SpanBatch, _ draft: SegmentDraft, _ place: SegmentPacker.Place, _ receipt: inout AppendReceipt,
    _ variants: inout [Int: Int64]
  ) throws {
    defer {
      firstWaiting += waiting.count
      waiting.removeAll(keepingCapacity: true)
      waitingRollouts.removeAll(keepingCapacity: true)
    }
    if waiting.count == SpanInserter.rowsAtOnce {
      var mark = TagResolver.Mark()
      for offset in waiting.indices {
        waiting[offset].placement.arrival = counters.lastArrival + 1 + Int64(offset)
        number(&waiting[offset].placement, waitingRollouts[offset], &mark)
      }
      if try inserter.insertAll(waiting, draft.bytes.span, connection) {
        for offset in waiting.indices { count(waiting[offset], waitingRollouts[offset], &receipt) }
        return
      }
      tables.tags.takeBack(mark)
    }
    for offset in waiting.indices {
      let index = firstWaiting + offset
      let tag = batch.tags[Int(batch.spans[index].tag)]
      let variant = try insert(waiting[offset], tag, draft, place, waitingRollouts[offset], &receipt)
      if variant != 0 { variants[index] = variant }
    }
  }

  /// Gives a span that brings no number the next one of its rollout.
  private func number(
    _ placement: inout SpanInserter.Placement, _ rollout: TagResolver.Rollout?, _ mark: inout TagResolver.Mark
  ) {
    if placement.code.isNumberIssued {
      placement.sequence = tables.tags.issue(rollout, attempt: placement.rows.attempt, &mark)
    } else {
      tables.tags.use(placement.sequence, rollout, attempt: placement.rows.attempt, &mark)
    }
  }

  /// Notes that a row is new.
  private func count(
    _ row: SpanInserter.Row, _ rollout: TagResolver.Rollout?, _ receipt: inout AppendReceipt
  ) {
    let placement = row.placement
    counters.arrive()
    receipt.stored += 1
    packer.count(arrival: counters.lastArrival, start: row.facts.startTime)
    tables.tags.use(placement.sequence, rollout, attempt: placement.rows.attempt)
    tables.tags.add(to: placement.rows, trace: placement.trace)
  }

  /// Inserts one row.
  ///
  /// - Returns: The span's variant, or -1 for a duplicate.
  private func insert(
    _ given: SpanInserter.Row, _ tag: RolloutTag, _ draft: SegmentDraft, _ place: SegmentPacker.Place,
    _ rollout: TagResolver.Rollout?, _ receipt: inout AppendReceipt
  ) throws -> Int64 {
    var row = given
    let span = row.facts
    row.placement.arrival = counters.lastArrival + 1
    if row.placement.code.isNumberIssued { row.placement.sequence = tables.tags.nextNumber(of: rollout) }
    if try !insertOverHidden(row, draft.bytes.span) {
      let finding = try duplicates.check(
        DuplicateCheck.Candidate(
          trace: row.placement.trace, spanID: span.spanID, segment: place.segment,
          offset: place.start + Int(span.offset)),
        packer)
      switch finding {
      case .duplicate(let variant):
        receipt.duplicates += 1
        let key = SpanKey(
          trace: row.placement.trace, spanID: Int64(bitPattern: span.spanID.value), variant: variant)
        try attribution.didRepeat(key, tag, &tables)
        return -1
      case .different(let variant):
        row.placement.variant = variant
        receipt.variants += 1
        guard try inserter.insert(row, draft.bytes.span, connection) else {
          throw SQLiteError(code: .corrupt, operation: "insert", message: "variant \(variant) of a span exists")
        }
      }
    }
    count(row, rollout, &receipt)
    return row.placement.variant
  }

  /// Inserts a row, also where a span under its ids is being deleted: that one counts as gone.
  private func insertOverHidden(_ row: SpanInserter.Row, _ bytes: Span<UInt8>) throws -> Bool {
    if try inserter.insert(row, bytes, connection) { return true }
    guard !removal.deletions.isEmpty else { return false }
    let key = SpanKey(
      trace: row.placement.trace, spanID: Int64(bitPattern: row.facts.spanID.value), variant: row.placement.variant)
    guard try removeHidden(key) else { return false }
    return try inserter.insert(row, bytes, connection)
  }

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
    try removal.losses.save(&packer)
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
