import SQLite
import Telemetry

/// Gives rollouts and attempts their rows, and their spans their numbers.
///
/// What changes in a transaction is collected and written once, before the commit.
struct TagResolver: ~Copyable {
  /// A rollout and attempt as rows.
  struct Rows: Hashable {
    /// 0 = none.
    var rollout: Int64
    var attempt: Int64
  }

  /// A rollout whose spans are being numbered.
  final class Rollout {
    let row: Int64
    fileprivate var lastSequence: Int64
    /// The attempt whose row is to hold the number; `nil` when the database has it.
    fileprivate var changedAttempt: Int64?

    fileprivate init(row: Int64, lastSequence: Int64) {
      self.row = row
      self.lastSequence = lastSequence
    }
  }

  /// What a tag stands for in the database.
  struct Resolved {
    var rows: Rows
    var rollout: Rollout?
  }

  /// Tags that are kept in memory between transactions.
  private static let capacity = 16 << 10

  private struct TraceOfAttempt: Hashable {
    var rows: Rows
    var trace: Int64
  }

  private var rollouts: [ExactText: Rollout] = [:]
  private var attempts: [RolloutTag: Resolved] = [:]
  private var changedRollouts: [Rollout] = []
  /// Spans that attempts gained, by row.
  private var changedAttempts: [Int64: Int64] = [:]
  /// Attempts to which new spans have come.
  private var arrivedAttempts: Set<Int64> = []
  private var changedTraces: [TraceOfAttempt: Int64] = [:]
  /// Spans that arrived in the same trace one after the other, and are not in the tables above yet.
  private var pending: (key: TraceOfAttempt, spans: Int64)?

  private var findRollout: Statement
  private var insertRollout: Statement
  private var findAttempt: Statement
  private var insertAttempt: Statement
  private var updateAttempt: Statement
  private var updateTraces: BulkInsert
  private var removeTrace: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let findRollout = try connection.prepare(
      """
      SELECT id, (SELECT coalesce(max(last_sequence), 0) FROM attempts WHERE rollout = rollouts.id)
      FROM rollouts WHERE rollout_id = ?1
      """)
    let insertRollout = try connection.prepare("INSERT INTO rollouts(rollout_id) VALUES(?1)")
    let findAttempt = try connection.prepare(
      "SELECT id FROM attempts WHERE rollout = ?1 AND coalesce(attempt_id, '') = coalesce(?2, '')")
    let insertAttempt = try connection.prepare(
      "INSERT INTO attempts(rollout, attempt_id, spans, first_arrival, last_arrival) VALUES(?1, ?2, 0, ?3, ?3)"
    )
    let updateAttempt = try connection.prepare(
      """
      UPDATE attempts SET spans = spans + ?2, last_sequence = max(last_sequence, ?4),
        first_arrival = CASE WHEN first_arrival = 0 THEN ?5 ELSE first_arrival END,
        last_arrival = max(last_arrival, ?3), heartbeat = CASE WHEN ?3 > 0 THEN ?3 / 1e9 ELSE heartbeat END
      WHERE id = ?1
      """)
    let updateTraces = try BulkInsert(
      connection, into: "rollout_traces", columns: 4, "ON CONFLICT DO UPDATE SET spans = spans + excluded.spans")
    let removeTrace = try connection.prepare(
      "DELETE FROM rollout_traces WHERE rollout = ?1 AND attempt = ?2 AND trace = ?3 AND spans = 0")
    self.findRollout = findRollout
    self.insertRollout = insertRollout
    self.findAttempt = findAttempt
    self.insertAttempt = insertAttempt
    self.updateAttempt = updateAttempt
    self.updateTraces = updateTraces
    self.removeTrace = removeTrace
  }

  /// What a tag stands for; new rows are made when it is new.
  mutating func resolve(_ tag: RolloutTag, received: Int64) throws(SQLiteError) -> Resolved {
    // By which rule a span has its tag makes no difference here.
    let key = RolloutTag(rolloutID: tag.rolloutID, attemptID: tag.attemptID)
    if let known = attempts[key] { return known }
    let rollout: Rollout? = if let id = tag.rolloutID { try self.rollout(id) } else { nil }
    let rolloutRow = rollout?.row ?? 0
    let attemptRow = try attempt(tag.attemptID, of: rolloutRow, received: received)
    let resolved = Resolved(rows: Rows(rollout: rolloutRow, attempt: attemptRow), rollout: rollout)
    attempts[key] = resolved
    return resolved
  }

  private mutating func rollout(_ id: String) throws(SQLiteError) -> Rollout {
    if let known = rollouts[ExactText(id)] { return known }
    try findRollout.bind(id, at: 1)
    let known = try findRollout.first { (row: borrowing Row) in
      Rollout(row: row.int(at: 0), lastSequence: row.int(at: 1))
    }
    let found: Rollout
    if let known {
      found = known
    } else {
      try insertRollout.bind(id, at: 1)
      found = Rollout(row: try insertRollout.insert(), lastSequence: 0)
    }
    rollouts[ExactText(id)] = found
    return found
  }

  private mutating func attempt(_ id: String?, of rollout: Int64, received: Int64) throws(SQLiteError) -> Int64 {
    try findAttempt.bind(rollout, at: 1)
    if let id { try findAttempt.bind(id, at: 2) } else { try findAttempt.bindNull(at: 2) }
    if let row = try findAttempt.first({ (row: borrowing Row) in row.int(at: 0) }) { return row }
    try insertAttempt.bind(rollout, at: 1)
    if let id { try insertAttempt.bind(id, at: 2) } else { try insertAttempt.bindNull(at: 2) }
    try insertAttempt.bind(received, at: 3)
    return try insertAttempt.insert()
  }

  /// The next number of a rollout, which is not used up before ``use(_:_:attempt:)``.
  func nextNumber(of rollout: Rollout?) -> Int64? {
    guard let last = rollout?.lastSequence else { return nil }
    return last == .max ? last : last + 1
  }

  /// Numbers of rollouts, to go back to when spans turn out not to be new.
  struct Mark {
    fileprivate var numbers: [(rollout: Rollout, last: Int64)] = []
  }

  /// Gives a span that is probably new its number.
  ///
  /// - Parameter mark: Notes the number before.
  mutating func issue(_ rollout: Rollout?, attempt: Int64, _ mark: inout Mark) -> Int64? {
    guard let rollout else { return nil }
    mark.numbers.append((rollout, rollout.lastSequence))
    let number = nextNumber(of: rollout)
    use(number, rollout, attempt: attempt)
    return number
  }

  /// Notes the number that a span brings that is probably new.
  mutating func use(_ sequence: Int64?, _ rollout: Rollout?, attempt: Int64, _ mark: inout Mark) {
    guard let rollout else { return }
    mark.numbers.append((rollout, rollout.lastSequence))
    use(sequence, rollout, attempt: attempt)
  }

  /// Takes numbers back.
  mutating func takeBack(_ mark: Mark) {
    for (rollout, last) in mark.numbers.reversed() { rollout.lastSequence = last }
  }

  /// Notes the number of a span that is stored.
  ///
  /// A number that was brought raises the counter, so that later ones lie above it (AGL store contract, section 9).
  ///
  /// - Parameter attempt: The attempt that gains the span.
  mutating func use(_ sequence: Int64?, _ rollout: Rollout?, attempt: Int64) {
    guard let rollout, let sequence, sequence > rollout.lastSequence else { return }
    rollout.lastSequence = sequence
    if rollout.changedAttempt == nil { changedRollouts.append(rollout) }
    rollout.changedAttempt = attempt
  }

  /// Counts a span that has arrived.
  mutating func add(to rows: Rows, trace: Int64) {
    let key = TraceOfAttempt(rows: rows, trace: trace)
    if pending?.key != key {
      countPending()
      pending = (key, 0)
    }
    pending?.spans += 1
  }

  /// Counts spans that were stored before.
  ///
  /// This is no sign of life of either attempt.
  mutating func move(_ spans: Int64, from old: Rows, to new: Rows, trace: Int64) {
    count(-spans, TraceOfAttempt(rows: old, trace: trace))
    count(spans, TraceOfAttempt(rows: new, trace: trace))
  }

  /// Counts spans that were deleted.
  mutating func remove(_ spans: Int64, from rows: Rows, trace: Int64) {
    count(-spans, TraceOfAttempt(rows: rows, trace: trace))
  }

  /// Forgets a rollout that was deleted; ``flush(received:)`` comes before.
  mutating func forget(_ rollout: String, attempts ids: [String?]) {
    rollouts[ExactText(rollout)] = nil
    for id in ids { attempts[RolloutTag(rolloutID: rollout, attemptID: id)] = nil }
  }

  private mutating func countPending() {
    guard let (key, spans) = pending.take() else { return }
    count(spans, key)
    arrivedAttempts.insert(key.rows.attempt)
  }

  private mutating func count(_ spans: Int64, _ key: TraceOfAttempt) {
    changedAttempts[key.rows.attempt, default: 0] += spans
    changedTraces[key, default: 0] += spans
  }

  /// Writes what changed.
  ///
  /// Called before the commit of a transaction, and before something looks at rollouts and attempts.
  ///
  /// - Returns: The attempts that new spans have come for.
  mutating func flush(received: Int64) throws(SQLiteError) -> Set<Int64> {
    countPending()
    if changedRollouts.isEmpty && changedAttempts.isEmpty { return [] }
    // A rollout's number stands with one of its attempts: that row is mostly written anyway.
    var sequences: [Int64: Int64] = [:]
    for rollout in changedRollouts {
      guard let attempt = rollout.changedAttempt.take() else { continue }
      sequences[attempt] = rollout.lastSequence
      changedAttempts[attempt, default: 0] += 0
    }
    changedRollouts.removeAll(keepingCapacity: true)
    for (attempt, spans) in changedAttempts {
      try updateAttempt.bind(attempt, at: 1)
      try updateAttempt.bind(spans, at: 2)
      try updateAttempt.bind(arrivedAttempts.contains(attempt) ? received : 0, at: 3)
      try updateAttempt.bind(sequences[attempt] ?? 0, at: 4)
      try updateAttempt.bind(spans > 0 ? received : 0, at: 5)
      try updateAttempt.run()
    }
    let arrived = arrivedAttempts
    arrivedAttempts.removeAll(keepingCapacity: true)
    changedAttempts.removeAll(keepingCapacity: true)
    // Sorted, so that neighbours in the table are written together.
    let traces = changedTraces.sorted { ($0.key.rows.attempt, $0.key.trace) < ($1.key.rows.attempt, $1.key.trace) }
    for (key, spans) in traces {
      if updateTraces.isFull { try updateTraces.run() }
      updateTraces.add(key.rows.rollout)
      updateTraces.add(key.rows.attempt)
      updateTraces.add(key.trace)
      updateTraces.add(spans)
    }
    try updateTraces.run()
    for (key, spans) in traces where spans <= 0 {
      try removeTrace.bind(key.rows.rollout, at: 1)
      try removeTrace.bind(key.rows.attempt, at: 2)
      try removeTrace.bind(key.trace, at: 3)
      try removeTrace.run()
    }
    changedTraces.removeAll(keepingCapacity: true)
    if rollouts.count > Self.capacity {
      // Together: two objects for one rollout would both count.
      rollouts.removeAll(keepingCapacity: true)
      attempts.removeAll(keepingCapacity: true)
    } else if attempts.count > Self.capacity {
      // To find a rollout again takes a look at all of its attempts.
      attempts.removeAll(keepingCapacity: true)
    }
    return arrived
  }
}
