import SQLite
import Telemetry
import TraceStore

/// Takes rollouts, attempts and workers through their states, inside the writer's transaction.
///
/// Everything it knows is in the database, but for what it can find there again. `now` is seconds since 1970. AGL store
/// contract, sections 6 to 8.
final class RolloutMachine {
  /// Rollouts that one call takes from the queue at most; whoever asks for more asks again.
  private static let mostDequeued = 10_000
  /// Bytes of inputs that one call gives; the rest is left to the next call.
  private static let mostDequeuedBytes = 32 << 20
  /// Entries of the queue that wait no more, and that one transaction drops: others wait for the writer meanwhile.
  private static let mostDropped = 5_000

  var rollouts: RolloutTable
  var attempts: AttemptTable
  var workers: WorkerBook
  var shelf: ResourceShelf
  var requests: RequestMemory
  var signs: LifeSigns
  var watchdog: Watchdog
  /// Sessions that are bound to keys, which end with their attempts.
  var keySessions: KeySessionTable
  private var identifiers = IdentifierSource()
  /// Rollouts that have finished in this transaction.
  private var finished: [String] = []

  init(_ connection: borrowing Connection, _ schedule: WatchdogSchedule) throws(SQLiteError) {
    rollouts = try RolloutTable(connection)
    attempts = try AttemptTable(connection)
    workers = try WorkerBook(connection)
    shelf = try ResourceShelf(connection)
    requests = try RequestMemory(connection)
    signs = try LifeSigns(connection)
    watchdog = try Watchdog(connection, schedule)
    keySessions = try KeySessionTable(connection)
  }

  /// Gives away the ids of rollouts that have finished since the last time.
  func takeFinished() -> [String] {
    defer { finished = [] }
    return finished
  }

  // MARK: Start

  /// - Parameter clock: Tells the time for each: those of one call are ordered by it.
  func enqueue(_ new: [NewRollout], clock: () -> Double) throws(SQLiteError) -> [RolloutRow] {
    try findLate(now: clock())
    var rows: [RolloutRow] = []
    for new in new { rows.append(try insert(new, .queuing, now: clock())) }
    return rows
  }

  func start(_ new: NewRollout, worker: String?, now: Double) throws(SQLiteError) -> (RolloutRow, AttemptRow) {
    try findLate(now: now)
    var row = try insert(new, .preparing, now: now)
    let attempt = try addAttempt(to: &row, worker: worker, now: now)
    try isBusy(worker, with: attempt, now: now)
    return (row, attempt)
  }

  /// An empty id is that of no worker.
  private func isBusy(_ worker: String?, with row: AttemptRow, now: Double, dequeued: Bool = false)
    throws(SQLiteError)
  {
    guard let worker, !worker.isEmpty else { return }
    try workers.isBusy(worker, with: row.attempt, now: now, dequeued: dequeued)
  }

  /// Drops entries from the head of the queue whose rollouts wait no more: they were cancelled, or taken otherwise.
  ///
  /// - Parameter count: How many may be dropped; counted down.
  /// - Returns: Whether the first entry waits or there is none. If not, the rest is for another transaction.
  private func clearHead(_ count: inout Int) throws(SQLiteError) -> Bool {
    while let head = try rollouts.queueHead(), !head.isWaiting {
      guard count > 0 else { return false }
      count -= 1
      try rollouts.takeFromQueue(head.id)
    }
    return true
  }

  /// Makes the queue ready for ``dequeue(limit:worker:now:)``, after a look for late attempts, which may go into it.
  ///
  /// - Returns: Whether it is; if not, it has to be tried again in another transaction.
  func prepareQueue(now: Double) throws(SQLiteError) -> Bool {
    try findLate(now: now)
    var count = Self.mostDropped
    return try clearHead(&count)
  }

  /// Takes rollouts from the queue; at least one, if one waits and the queue is ready.
  func dequeue(limit: Int, worker: String?, now: Double) throws(SQLiteError) -> [(RolloutRow, AttemptRow)] {
    var taken: [(RolloutRow, AttemptRow)] = []
    var drops = Self.mostDropped
    var bytes = 0
    while taken.count < min(limit, Self.mostDequeued), bytes < Self.mostDequeuedBytes, try clearHead(&drops),
      var row = try rollouts.dequeue()
    {
      let attempt = try addAttempt(to: &row, worker: worker, now: now)
      bytes += row.rollout.input.text.utf8.count
      taken.append((row, attempt))
    }
    if let last = taken.last {
      try isBusy(worker, with: last.1, now: now, dequeued: true)
    } else if let worker {
      try workers.foundNothing(worker, now: now)
    }
    return taken
  }

  func startAttempt(of rollout: String, worker: String?, now: Double) throws -> (RolloutRow, AttemptRow) {
    try findLate(now: now)
    var row = try find(rollout)
    let attempt = try addAttempt(to: &row, worker: worker, now: now)
    try isBusy(worker, with: attempt, now: now)
    return (row, attempt)
  }

  private func insert(_ new: NewRollout, _ status: RolloutStatus, now: Double) throws(SQLiteError) -> RolloutRow {
    try rollouts.insert(
      NewRolloutRow(
        input: new.input, mode: new.mode, resourcesID: new.resourcesID ?? shelf.latestID, config: new.config,
        metadata: new.metadata, status: status, startTime: now))
  }

  private func addAttempt(to row: inout RolloutRow, worker: String?, now: Double) throws(SQLiteError) -> AttemptRow {
    row.attempts += 1
    let attempt = try attempts.insert(into: row, number: row.attempts, worker: worker, now: now)
    row.latestAttempt = attempt.id
    row.rollout.status = .preparing
    try rollouts.save(row)
    watchdog.expect(row.rollout, attempt.attempt)
    return attempt
  }

  // MARK: Change

  func update(rollout id: String, _ change: RolloutChange, now: Double) throws -> Rollout {
    try findLate(now: now)
    var row = try find(id)
    if let mode = change.mode { row.rollout.mode = mode }
    if let resourcesID = change.resourcesID { row.rollout.resourcesID = resourcesID }
    if let config = change.config { row.rollout.config = config }
    if let status = change.status {
      try set(status, of: &row, now: now)
    } else {
      try rollouts.save(row)
    }
    if change.input != nil || change.metadata != nil {
      if let input = change.input { row.rollout.input = input }
      if let metadata = change.metadata { row.rollout.metadata = metadata }
      try rollouts.saveDocuments(row)
    }
    try expectLatest(of: row)
    return row.rollout
  }

  func update(attempt reference: AttemptReference, of rollout: String, _ change: AttemptChange, now: Double) throws
    -> Attempt
  {
    try findLate(now: now)
    let row = try find(rollout, withDocuments: false)
    return try update(try find(reference, of: row), of: row, change, now: now)
  }

  /// Changes an attempt, and its rollout when it is the latest one.
  private func update(_ found: AttemptRow, of rollout: RolloutRow, _ change: AttemptChange, now: Double)
    throws(SQLiteError) -> Attempt
  {
    var row = found
    if let worker = change.workerID { row.attempt.workerID = worker }
    if let status = change.status {
      row.attempt.status = status
      if status.hasEnded { row.attempt.endTime = now }
    }
    if let time = change.lastHeartbeatTime { row.attempt.lastHeartbeatTime = time }
    if let metadata = change.metadata { row.attempt.metadata = metadata }
    try attempts.save(row, withMetadata: change.metadata != nil)
    signs.forget(row.id)
    if change.status?.isActive == false { try keySessions.attemptEnded(row.id, now: now) }
    if row.id == rollout.latestAttempt { try follow(row.attempt, rollout, now: now) }
    if change.workerID != nil || change.status != nil, let worker = row.attempt.workerID, !worker.isEmpty {
      try workers.follow(worker, row.attempt, now: now)
    }
    return row.attempt
  }

  /// Gives a rollout the status that follows from its latest attempt.
  private func follow(_ attempt: Attempt, _ rollout: RolloutRow, now: Double) throws(SQLiteError) {
    var row = rollout
    let status = Self.status(after: attempt, row.rollout.config)
    if status != row.rollout.status { try set(status, of: &row, now: now) }
    watchdog.expect(row.rollout, attempt)
  }

  private static func status(after attempt: Attempt, _ config: RolloutConfig) -> RolloutStatus {
    switch attempt.status {
    case .preparing: .preparing
    case .running: .running
    case .succeeded: .succeeded
    case .failed, .timeout, .unresponsive:
      config.retryCondition.contains(attempt.status) && attempt.sequence < config.maxAttempts ? .requeuing : .failed
    }
  }

  /// Writes a status and what comes with it.
  private func set(_ status: RolloutStatus, of row: inout RolloutRow, now: Double) throws(SQLiteError) {
    row.rollout.status = status
    if status.isFinished {
      row.rollout.endTime = now
      finished.append(row.rollout.id)
      if let attempt = row.latestAttempt { try keySessions.attemptEnded(attempt, now: now) }
    }
    try rollouts.save(row)
    if status.isQueued { try rollouts.enqueue(&row) }
    if let attempt = row.latestAttempt { signs.forget(attempt) }
  }

  private func expectLatest(of row: RolloutRow) throws(SQLiteError) {
    guard row.stage == 3, let latest = row.latestAttempt else { return }
    if let attempt = try attempts.attempt(at: latest, of: row) { watchdog.expect(row.rollout, attempt.attempt) }
  }

  // MARK: Watch

  /// Gives up attempts that are late or silent.
  ///
  /// - Parameter debounced: Whether none are looked for when that was done a moment ago.
  func findLate(now: Double, debounced: Bool = true) throws(SQLiteError) {
    for late in try watchdog.findLate(now: now, debounced: debounced) {
      guard let rollout = try rollouts.rollout(at: late.rollout, withDocuments: false),
        let latest = rollout.latestAttempt,
        let attempt = try attempts.attempt(at: latest, of: rollout)
      else { continue }
      var change = AttemptChange()
      change.status = late.status
      _ = try update(attempt, of: rollout, change, now: now)
    }
  }

  // MARK: Find

  /// - Parameter withDocuments: Whether input and metadata are wanted, which can be large.
  func find(_ rollout: String, withDocuments: Bool = true) throws -> RolloutRow {
    guard let row = try rollouts.rollout(rollout, withDocuments: withDocuments) else {
      throw RolloutFault.notFound("Rollout \(rollout) not found")
    }
    return row
  }

  private func find(_ reference: AttemptReference, of rollout: RolloutRow) throws -> AttemptRow {
    guard let latest = rollout.latestAttempt else {
      throw RolloutFault.notFound("No attempts found for rollout \(rollout.rollout.id)")
    }
    switch reference {
    case .latest:
      guard let row = try attempts.attempt(at: latest, of: rollout) else {
        throw SQLiteError(code: .corrupt, operation: "read", message: "the latest attempt of a rollout has no row")
      }
      return row
    case .id(let id): return try find(attempt: id, of: rollout)
    }
  }

  func find(attempt id: String, of rollout: RolloutRow) throws -> AttemptRow {
    guard let row = try attempts.attempt(id, of: rollout) else {
      throw RolloutFault.notFound("Attempt \(id) not found for rollout \(rollout.rollout.id)")
    }
    return row
  }

  func newResourcesID() throws(SQLiteError) -> String {
    while true {
      let id = identifiers.resources()
      if try shelf.resources(id) == nil { return id }
    }
  }
}
