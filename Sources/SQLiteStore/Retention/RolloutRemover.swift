import SQLite
import Telemetry

/// Takes rollouts out of the store, inside the writer's transaction: their rows, their attempts, their registrations.
///
/// Their spans are the job of ``SpanRemover``.
struct RolloutRemover: ~Copyable {
  /// An attempt that goes with its rollout.
  struct Attempt {
    var row: Int64
    var id: String?
    var spans: Int64
  }

  /// What is left of a rollout whose spans go later, in steps.
  struct Deletion: Hashable {
    var attempt: Int64
    var rollout: Int64
  }

  /// Whether a row of `rollouts` is what was left of one that was deleted while it was the highest.
  static let isGrave = """
    (rollouts.rollout_id >= char(0) || 'deleted ' AND rollouts.rollout_id < char(0) || 'deleted!'
      AND rollouts.status IS NULL AND NOT EXISTS (SELECT 1 FROM attempts WHERE attempts.rollout = rollouts.id))
    """

  private var selectAttempts: Statement
  private var removeRollout: Statement
  private var buryRollout: Statement
  private var removeDocuments: Statement
  private var removeAttempt: Statement
  private var buryAttempt: Statement
  private var removeAttemptDocuments: Statement
  private var removeClientSpans: Statement
  private var hideAttempt: Statement
  private var insertDeletion: Statement
  private var removeDeletion: Statement
  private var selectBindings: Statement
  private var removeBindings: Statement
  private var selectSessions: Statement
  private var selectKeySessions: Statement
  private var selectTraces: Statement
  private var removeTraces: Statement
  private var pin: Statement
  private var forgetOfTrace: Statement
  private var forgetOfAttempt: Statement
  private var clearGraves: Statement
  private var clearAttemptGraves: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let selectAttempts = try connection.prepare("SELECT id, attempt_id, spans FROM attempts WHERE rollout = ?1")
    // The highest row stays, so that its number is not given again while something may still remember it.
    let removeRollout = try connection.prepare(
      "DELETE FROM rollouts WHERE id = ?1 AND id < (SELECT max(id) FROM rollouts)")
    let buryRollout = try connection.prepare(
      """
      UPDATE rollouts SET rollout_id = char(0) || 'deleted ' || id, status = NULL, stage = NULL, queued = NULL,
        pinned = NULL WHERE id = ?1
      """)
    let removeDocuments = try connection.prepare("DELETE FROM rollout_documents WHERE rollout = ?1")
    let removeAttempt = try connection.prepare(
      "DELETE FROM attempts WHERE id = ?1 AND id < (SELECT max(id) FROM attempts)")
    let buryAttempt = try connection.prepare(
      "UPDATE attempts SET rollout = -id, attempt_id = NULL, spans = 0, status = NULL WHERE id = ?1")
    let removeAttemptDocuments = try connection.prepare("DELETE FROM attempt_documents WHERE attempt = ?1")
    let removeClientSpans = try connection.prepare("DELETE FROM client_spans WHERE attempt = ?1")
    let hideAttempt = try connection.prepare("UPDATE attempts SET rollout = -id, status = NULL WHERE id = ?1")
    let insertDeletion = try connection.prepare("INSERT INTO deletions VALUES(?1, ?2)")
    let removeDeletion = try connection.prepare("DELETE FROM deletions WHERE attempt = ?1")
    let selectBindings = try connection.prepare("SELECT trace_id FROM bindings WHERE attempt = ?1")
    let removeBindings = try connection.prepare("DELETE FROM bindings WHERE attempt = ?1")
    let selectSessions = try connection.prepare("SELECT id FROM sessions WHERE attempt = ?1")
    let selectKeySessions = try connection.prepare("SELECT id FROM key_sessions WHERE attempt = ?1")
    let selectTraces = try connection.prepare(
      "SELECT trace, spans FROM rollout_traces WHERE rollout = ?1 AND attempt = ?2 ORDER BY trace LIMIT ?3")
    let removeTraces = try connection.prepare(
      "DELETE FROM rollout_traces WHERE rollout = ?1 AND attempt = ?2 AND trace <= ?3")
    let pin = try connection.prepare(
      "UPDATE rollouts SET pinned = CASE WHEN ?2 IS NULL THEN NULL ELSE coalesce(pinned, ?2) END WHERE rollout_id = ?1")
    let forgetOfTrace = try connection.prepare("UPDATE traces SET binding = NULL WHERE id = ?1")
    let forgetOfAttempt = try connection.prepare(
      """
      UPDATE traces SET binding = NULL
      WHERE id IN (SELECT trace FROM rollout_traces WHERE rollout = ?1 AND attempt = ?2)
      """)
    let clearGraves = try connection.prepare(
      "DELETE FROM rollouts WHERE \(Self.isGrave) AND id < (SELECT max(id) FROM rollouts)")
    let clearAttemptGraves = try connection.prepare(
      """
      DELETE FROM attempts WHERE rollout < 0 AND id < (SELECT max(id) FROM attempts)
        AND id NOT IN (SELECT attempt FROM deletions)
      """)
    self.selectAttempts = selectAttempts
    self.removeRollout = removeRollout
    self.buryRollout = buryRollout
    self.removeDocuments = removeDocuments
    self.removeAttempt = removeAttempt
    self.buryAttempt = buryAttempt
    self.removeAttemptDocuments = removeAttemptDocuments
    self.removeClientSpans = removeClientSpans
    self.hideAttempt = hideAttempt
    self.insertDeletion = insertDeletion
    self.removeDeletion = removeDeletion
    self.selectBindings = selectBindings
    self.removeBindings = removeBindings
    self.selectSessions = selectSessions
    self.selectKeySessions = selectKeySessions
    self.selectTraces = selectTraces
    self.removeTraces = removeTraces
    self.pin = pin
    self.forgetOfTrace = forgetOfTrace
    self.forgetOfAttempt = forgetOfAttempt
    self.clearGraves = clearGraves
    self.clearAttemptGraves = clearAttemptGraves
  }

  mutating func attempts(of rollout: Int64) throws(SQLiteError) -> [Attempt] {
    var attempts: [Attempt] = []
    try selectAttempts.bind(rollout, at: 1)
    try selectAttempts.forEach { (row: borrowing Row) in
      attempts.append(Attempt(row: row.int(at: 0), id: row.optionalString(at: 1), spans: row.int(at: 2)))
    }
    return attempts
  }

  /// Traces in which an attempt has spans, the lowest rows first.
  ///
  /// - Returns: Each with the number of these spans, of which some may be gone already.
  mutating func traces(
    of attempt: Int64, _ rollout: Int64, limit: Int
  ) throws(SQLiteError) -> [(id: Int64, spans: Int64)] {
    var traces: [(id: Int64, spans: Int64)] = []
    try selectTraces.bind(rollout, at: 1)
    try selectTraces.bind(attempt, at: 2)
    try selectTraces.bind(Int64(limit), at: 3)
    try selectTraces.forEach { (row: borrowing Row) in traces.append((row.int(at: 0), row.int(at: 1))) }
    return traces
  }

  /// Forgets that an attempt has spans in traces up to this one.
  mutating func forgetTraces(of attempt: Int64, _ rollout: Int64, upTo trace: Int64) throws(SQLiteError) {
    try removeTraces.run(.integer(rollout), .integer(attempt), .integer(trace))
  }

  /// Traces that were bound to an attempt; the bindings are gone then.
  mutating func takeBindings(of attempt: Int64) throws(SQLiteError) -> [TraceID] {
    var traces: [TraceID] = []
    try selectBindings.bind(attempt, at: 1)
    try selectBindings.forEach { (row: borrowing Row) in
      if let id = TraceID(row.bytes(at: 0)) { traces.append(id) }
    }
    if !traces.isEmpty { try removeBindings.run(.integer(attempt)) }
    return traces
  }

  /// Sessions that are registered for an attempt.
  mutating func sessions(of attempt: Int64) throws(SQLiteError) -> [Int64] {
    try Self.rows(&selectSessions, attempt)
  }

  /// Sessions whose keys are bound to an attempt.
  mutating func keySessions(of attempt: Int64) throws(SQLiteError) -> [Int64] {
    try Self.rows(&selectKeySessions, attempt)
  }

  private static func rows(_ select: inout Statement, _ attempt: Int64) throws(SQLiteError) -> [Int64] {
    var rows: [Int64] = []
    try select.bind(attempt, at: 1)
    try select.forEach { (row: borrowing Row) in rows.append(row.int(at: 0)) }
    return rows
  }

  mutating func removeRollout(_ rollout: Int64, _ connection: borrowing Connection) throws(SQLiteError) {
    try removeDocuments.run(.integer(rollout))
    try removeRollout.run(.integer(rollout))
    if connection.changes == 0 { try buryRollout.run(.integer(rollout)) }
  }

  /// Deletes an attempt that has no spans any more.
  mutating func removeAttempt(_ attempt: Int64, _ connection: borrowing Connection) throws(SQLiteError) {
    try removeClientSpans.run(.integer(attempt))
    try removeAttemptDocuments.run(.integer(attempt))
    try removeAttempt.run(.integer(attempt))
    if connection.changes == 0 { try buryAttempt.run(.integer(attempt)) }
  }

  /// Takes an attempt out of everybody's sight, so that its spans can go in steps.
  mutating func hideAttempt(_ attempt: Int64, of rollout: Int64) throws(SQLiteError) {
    try hideAttempt.run(.integer(attempt))
    try insertDeletion.run(.integer(attempt), .integer(rollout))
  }

  mutating func finish(_ deletion: Deletion, _ connection: borrowing Connection) throws(SQLiteError) {
    try removeDeletion.run(.integer(deletion.attempt))
    try removeAttempt(deletion.attempt, connection)
  }

  /// Notes since when a rollout is pinned, `nil` when it is not.
  ///
  /// - Returns: Whether there is such a rollout.
  mutating func pin(_ id: String, _ time: Int64?, _ connection: borrowing Connection) throws(SQLiteError) -> Bool {
    try pin.run(.text(id), SQLValue(time))
    return connection.changes == 1
  }

  /// Has it found out anew what is known of a trace.
  mutating func forgetKnowledge(of trace: Int64) throws(SQLiteError) { try forgetOfTrace.run(.integer(trace)) }

  /// Has it found out anew what is known of the traces in which attempts have spans.
  mutating func forgetKnowledge(of attempts: [Int64], _ rollout: Int64) throws(SQLiteError) {
    for attempt in attempts { try forgetOfAttempt.run(.integer(rollout), .integer(attempt)) }
  }

  /// Deletes rows that were kept because they were the highest.
  mutating func sweepGraves() throws(SQLiteError) {
    try clearGraves.run()
    try clearAttemptGraves.run()
  }
}
