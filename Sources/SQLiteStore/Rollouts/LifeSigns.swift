import SQLite
import Telemetry

/// Takes new spans for signs of life of the attempts that they name.
///
/// The time of the sign is written with the spans. Here is what else follows from it, which is nothing for most spans:
/// those attempts are remembered. AGL store contract, section 6.
struct LifeSigns: ~Copyable {
  /// Attempts that are remembered.
  private static let capacity = 16 << 10

  /// An attempt that spans have come for, and its rollout.
  private struct Found {
    var rollout: Int64
    var attempt: AttemptStatus
    var rolloutStatus: RolloutStatus
    var isLatest: Bool
    var clock: AttemptClock
  }

  /// Attempts for which further spans change nothing.
  private var settled: Set<Int64> = []
  private var find: Statement
  private var reviveAttempt: Statement
  private var startRollout: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare(
      """
      SELECT rollouts.id, attempts.status, rollouts.status, rollouts.latest_attempt = attempts.id,
        rollouts.timeout_seconds, rollouts.unresponsive_seconds, attempts.start_time
      FROM attempts JOIN rollouts ON rollouts.id = attempts.rollout
      WHERE attempts.id = ?1 AND attempts.status IS NOT NULL AND rollouts.status IS NOT NULL
      """)
    let reviveAttempt = try connection.prepare("UPDATE attempts SET status = 'running' WHERE id = ?1")
    let startRollout = try connection.prepare(
      """
      UPDATE rollouts SET status = 'running',
        stage = CASE WHEN timeout_seconds IS NULL AND unresponsive_seconds IS NULL THEN 2 ELSE 3 END
      WHERE id = ?1
      """)
    self.find = find
    self.reviveAttempt = reviveAttempt
    self.startRollout = startRollout
  }

  /// Looks at an attempt again when spans come for it: it or its rollout has been changed.
  mutating func forget(_ attempt: Int64) { settled.remove(attempt) }

  /// Spans have come for an attempt.
  ///
  /// - Parameter now: Seconds since 1970.
  mutating func heard(of attempt: Int64, now: Double, _ watchdog: borrowing Watchdog) throws(SQLiteError) {
    guard !settled.contains(attempt) else { return }
    if settled.count >= Self.capacity { settled.removeAll(keepingCapacity: true) }
    settled.insert(attempt)
    guard let found = try find(attempt, now: now) else { return }
    if found.attempt == .preparing || found.attempt == .unresponsive { try reviveAttempt.run(.integer(attempt)) }
    guard found.isLatest else { return }
    // Whoever has changed the attempt may have put its last sign of life into the future.
    watchdog.expect(at: found.clock.due)
    if Self.startsRollout(found) { try startRollout.run(.integer(found.rollout)) }
  }

  /// A rollout that waits for another attempt goes on only with one that was thought dead.
  ///
  /// One that has failed or is out of time stays what it is, and a late span of it must not cost the retry.
  private static func startsRollout(_ found: Found) -> Bool {
    switch found.rolloutStatus {
    case .preparing: true
    case .requeuing: found.attempt == .unresponsive
    case .queuing, .running, .failed, .succeeded, .cancelled: false
    }
  }

  private mutating func find(_ attempt: Int64, now: Double) throws(SQLiteError) -> Found? {
    try find.bind(attempt, at: 1)
    return try find.first { (row: borrowing Row) in
      Found(
        rollout: row.int(at: 0), attempt: AttemptStatus(rawValue: row.string(at: 1)) ?? .failed,
        rolloutStatus: RolloutStatus(rawValue: row.string(at: 2)) ?? .failed, isLatest: row.int(at: 3) == 1,
        clock: AttemptClock(
          timeout: row.optionalDouble(at: 4), unresponsive: row.optionalDouble(at: 5), start: row.double(at: 6),
          heartbeat: now))
    }
  }
}
