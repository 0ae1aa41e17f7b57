import SQLite
import Telemetry
import TraceStore

/// Reads rollouts with their latest attempts, by row.
struct RolloutReader: ~Copyable {
  private var row: Statement
  private var rollout: Statement
  private var attempt: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let row = try connection.prepare("SELECT id FROM rollouts WHERE rollout_id = ?1 AND status IS NOT NULL")
    let rollout = try connection.prepare(
      "SELECT \(RolloutColumns.rollout) FROM \(RolloutColumns.rolloutTables) WHERE rollouts.id = ?1")
    let attempt = try connection.prepare(
      "SELECT \(RolloutColumns.attempt) FROM \(RolloutColumns.attemptTables) WHERE attempts.id = ?1")
    self.row = row
    self.rollout = rollout
    self.attempt = attempt
  }

  /// The rollout of an id; `nil` when nobody has made it.
  mutating func rollout(_ id: String) throws(SQLiteError) -> AttemptedRollout? {
    try row.bind(id, at: 1)
    guard let found = try row.first({ (row: borrowing Row) in row.int(at: 0) }) else { return nil }
    return try rollout(at: found)
  }

  mutating func rollout(at row: Int64) throws(SQLiteError) -> AttemptedRollout? {
    try rollout.bind(row, at: 1)
    guard let found = try rollout.first({ (row: borrowing Row) in RolloutColumns.rollout(row) }) else { return nil }
    guard let latest = found.latestAttempt else { return AttemptedRollout(rollout: found.rollout, attempt: nil) }
    try attempt.bind(latest, at: 1)
    let attempt = try attempt.first { (row: borrowing Row) in
      RolloutColumns.attempt(row, rolloutID: found.rollout.id).attempt
    }
    return AttemptedRollout(rollout: found.rollout, attempt: attempt)
  }
}
