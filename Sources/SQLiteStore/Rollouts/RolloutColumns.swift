import SQLite
import Telemetry

/// Rollouts and attempts as rows.
enum RolloutColumns {
  private static let stateOfRollout = """
    rollouts.id, rollouts.rollout_id, rollouts.status, rollouts.start_time, rollouts.end_time, rollouts.mode,
    rollouts.resources_id, rollouts.timeout_seconds, rollouts.unresponsive_seconds, rollouts.max_attempts,
    rollouts.retry_condition, rollouts.attempts, rollouts.latest_attempt, rollouts.queued
    """

  /// What ``rollout(_:)`` reads.
  static let rollout = "\(stateOfRollout), rollout_documents.input, rollout_documents.metadata"

  /// The same without the documents.
  static let narrowRollout = "\(stateOfRollout), NULL, NULL"

  static let rolloutTables = "rollouts LEFT JOIN rollout_documents ON rollout_documents.rollout = rollouts.id"

  /// What ``attempt(_:rolloutID:)`` reads.
  static let attempt = """
    attempts.id, attempts.attempt_id, attempts.number, attempts.start_time, attempts.end_time, attempts.status,
    attempts.worker_id, attempts.heartbeat, attempt_documents.metadata
    """

  static let attemptTables = "attempts LEFT JOIN attempt_documents ON attempt_documents.attempt = attempts.id"

  static func rollout(_ row: borrowing Row) -> RolloutRow {
    let config = RolloutConfig(
      timeoutSeconds: row.optionalDouble(at: 7), unresponsiveSeconds: row.optionalDouble(at: 8),
      maxAttempts: row.int(at: 9), retryCondition: retryCondition(row.string(at: 10)))
    let rollout = Rollout(
      id: row.string(at: 1), input: JSONText(row.optionalString(at: 14) ?? "null"), startTime: row.double(at: 3),
      endTime: row.optionalDouble(at: 4), mode: row.optionalString(at: 5).flatMap(RolloutMode.init(rawValue:)),
      resourcesID: row.optionalString(at: 6), status: RolloutStatus(rawValue: row.string(at: 2)) ?? .failed,
      config: config, metadata: row.optionalString(at: 15).map { JSONText($0) })
    return RolloutRow(
      id: row.int(at: 0), rollout: rollout, attempts: row.int(at: 11), latestAttempt: row.optionalInt(at: 12),
      isInQueue: row.optionalInt(at: 13) != nil)
  }

  static func attempt(_ row: borrowing Row, rolloutID: String) -> AttemptRow {
    AttemptRow(
      id: row.int(at: 0),
      attempt: Attempt(
        rolloutID: rolloutID, id: row.string(at: 1), sequence: row.int(at: 2), startTime: row.double(at: 3),
        endTime: row.optionalDouble(at: 4), status: AttemptStatus(rawValue: row.string(at: 5)) ?? .failed,
        workerID: row.optionalString(at: 6), lastHeartbeatTime: row.optionalDouble(at: 7),
        metadata: row.optionalString(at: 8).map { JSONText($0) }))
  }

  static func text(_ retryCondition: [AttemptStatus]) -> String {
    retryCondition.map(\.rawValue).joined(separator: ",")
  }

  private static func retryCondition(_ text: String) -> [AttemptStatus] {
    text.split(separator: ",").compactMap { AttemptStatus(rawValue: String($0)) }
  }
}

/// A rollout, and what the store knows of it besides.
struct RolloutRow {
  let id: Int64
  var rollout: Rollout
  /// How many attempts have been made.
  var attempts: Int64
  /// The row of the latest.
  var latestAttempt: Int64?
  /// Whether it has a place in the queue, which may be left from before.
  var isInQueue: Bool

  /// Where it stands, as the index of stages has it; `nil` when nothing is to come.
  var stage: Int64? { Self.stage(of: rollout) }

  static func stage(of rollout: Rollout) -> Int64? {
    if rollout.status.isQueued { return 1 }
    guard rollout.status.isActive else { return nil }
    return rollout.config.timeoutSeconds == nil && rollout.config.unresponsiveSeconds == nil ? 2 : 3
  }
}

/// An attempt and its row.
struct AttemptRow {
  let id: Int64
  var attempt: Attempt
}
