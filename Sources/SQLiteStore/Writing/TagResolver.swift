import SQLite
import Telemetry

/// Gives rollouts and attempts their rows, and their spans their numbers.
///
/// What changes in a transaction is collected and written once, before the commit.
struct TagResolver: ~Copyable {
  /// A rollout and attempt as rows; 0 = none.
  struct Rows: Hashable {
    var rollout: Int64
    var attempt: Int64
  }

  /// Tags that are kept in memory between transactions.
  private static let capacity = 16 << 10

  private struct Rollout {
    var row: Int64
    var lastSequence: Int64
  }

  private struct TraceOfRollout: Hashable {
    var rows: Rows
    var trace: Int64
  }

  private var rollouts: [ExactText: Rollout] = [:]
  private var attempts: [RolloutTag: Rows] = [:]
  /// The last number of rollouts, by row.
  private var changedRollouts: [Int64: Int64] = [:]
  /// Spans that attempts gained, by row.
  private var changedAttempts: [Int64: Int64] = [:]
  private var changedTraces: [TraceOfRollout: Int64] = [:]

  private var findRollout: Statement
  private var insertRollout: Statement
  private var updateRollout: Statement
  private var findAttempt: Statement
  private var insertAttempt: Statement
  private var updateAttempt: Statement
  private var updateTrace: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let findRollout = try connection.prepare("SELECT id, last_sequence FROM rollouts WHERE rollout_id = ?1")
    let insertRollout = try connection.prepare(
      "INSERT INTO rollouts(rollout_id, last_sequence) VALUES(?1, 0) RETURNING id")
    let updateRollout = try connection.prepare(
      "UPDATE rollouts SET last_sequence = max(last_sequence, ?2) WHERE id = ?1")
    let findAttempt = try connection.prepare(
      "SELECT id FROM attempts WHERE rollout = ?1 AND coalesce(attempt_id, '') = coalesce(?2, '')")
    let insertAttempt = try connection.prepare(
      "INSERT INTO attempts(rollout, attempt_id, spans, first_arrival, last_arrival) VALUES(?1, ?2, 0, ?3, ?3) RETURNING id")
    let updateAttempt = try connection.prepare(
      "UPDATE attempts SET spans = spans + ?2, last_arrival = max(last_arrival, ?3) WHERE id = ?1")
    let updateTrace = try connection.prepare(
      """
      INSERT INTO rollout_traces VALUES(?1, ?2, ?3, ?4)
      ON CONFLICT DO UPDATE SET spans = spans + excluded.spans
      """)
    self.findRollout = findRollout
    self.insertRollout = insertRollout
    self.updateRollout = updateRollout
    self.findAttempt = findAttempt
    self.insertAttempt = insertAttempt
    self.updateAttempt = updateAttempt
    self.updateTrace = updateTrace
  }

  /// The rows of a tag, made when it is new.
  mutating func rows(of tag: RolloutTag, received: Int64) throws(SQLiteError) -> Rows {
    let key = RolloutTag(rolloutID: tag.rolloutID, attemptID: tag.attemptID)
    if let rows = attempts[key] { return rows }
    let rollout: Int64 = if let id = tag.rolloutID { try self.rollout(id).row } else { 0 }
    let rows = Rows(rollout: rollout, attempt: try attempt(tag.attemptID, of: rollout, received: received))
    attempts[key] = rows
    return rows
  }

  private mutating func rollout(_ id: String) throws(SQLiteError) -> Rollout {
    if let known = rollouts[ExactText(id)] { return known }
    try findRollout.bind(id, at: 1)
    var found = try findRollout.first { (row: borrowing Row) in
      Rollout(row: row.int(at: 0), lastSequence: row.int(at: 1))
    }
    if found == nil {
      try insertRollout.bind(id, at: 1)
      found = try insertRollout.first { (row: borrowing Row) in Rollout(row: row.int(at: 0), lastSequence: 0) }
    }
    guard let found else {
      throw SQLiteError(code: .corrupt, operation: "insert", message: "a new rollout has no row")
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
    guard let row = try insertAttempt.first({ (row: borrowing Row) in row.int(at: 0) }) else {
      throw SQLiteError(code: .corrupt, operation: "insert", message: "a new attempt has no row")
    }
    return row
  }

  /// The number of a span in its rollout: the one it brings, else the next one.
  ///
  /// A number that was brought raises the counter, so that later ones lie above it (AGL store contract, section 9).
  mutating func sequence(_ given: Int64, rolloutID: String?) throws(SQLiteError) -> Int64? {
    guard let rolloutID else { return given >= 0 ? given : nil }
    var rollout = try rollout(rolloutID)
    let sequence = given >= 0 ? given : rollout.lastSequence < .max ? rollout.lastSequence + 1 : .max
    if sequence > rollout.lastSequence {
      rollout.lastSequence = sequence
      rollouts[ExactText(rolloutID)] = rollout
      changedRollouts[rollout.row] = sequence
    }
    return sequence
  }

  /// Takes back a number that was issued last and is not needed: the span was there before.
  mutating func takeBack(_ sequence: Int64, rolloutID: String) throws(SQLiteError) {
    var rollout = try rollout(rolloutID)
    guard rollout.lastSequence == sequence, sequence < .max else { return }
    rollout.lastSequence -= 1
    rollouts[ExactText(rolloutID)] = rollout
    changedRollouts[rollout.row] = rollout.lastSequence
  }

  /// Counts spans that a rollout gained, or lost when the number is negative.
  mutating func count(_ spans: Int64, _ rows: Rows, trace: Int64) {
    changedAttempts[rows.attempt, default: 0] += spans
    changedTraces[TraceOfRollout(rows: rows, trace: trace), default: 0] += spans
  }

  /// Writes what changed. Called once a transaction, before its commit.
  mutating func flush(received: Int64) throws(SQLiteError) {
    for (rollout, lastSequence) in changedRollouts {
      try updateRollout.bind(rollout, at: 1)
      try updateRollout.bind(lastSequence, at: 2)
      try updateRollout.run()
    }
    changedRollouts.removeAll(keepingCapacity: true)
    for (attempt, spans) in changedAttempts {
      try updateAttempt.bind(attempt, at: 1)
      try updateAttempt.bind(spans, at: 2)
      try updateAttempt.bind(received, at: 3)
      try updateAttempt.run()
    }
    changedAttempts.removeAll(keepingCapacity: true)
    for (key, spans) in changedTraces {
      try updateTrace.bind(key.rows.rollout, at: 1)
      try updateTrace.bind(key.rows.attempt, at: 2)
      try updateTrace.bind(key.trace, at: 3)
      try updateTrace.bind(spans, at: 4)
      try updateTrace.run()
    }
    changedTraces.removeAll(keepingCapacity: true)
    if attempts.count > Self.capacity || rollouts.count > Self.capacity {
      attempts.removeAll(keepingCapacity: true)
      rollouts.removeAll(keepingCapacity: true)
    }
  }
}
