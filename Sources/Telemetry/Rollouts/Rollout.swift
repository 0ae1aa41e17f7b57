/// A task for an agent, and how it fares.
///
/// Times are seconds since 1970. AGL store contract, section 4.
package struct Rollout: Hashable, Sendable {
  package var id: String
  package var input: JSONText
  package var startTime: Double
  package var endTime: Double?
  package var mode: RolloutMode?
  package var resourcesID: String?
  package var status: RolloutStatus
  package var config: RolloutConfig
  /// An object; `nil` for JSON's null.
  package var metadata: JSONText?

  package init(
    id: String, input: JSONText, startTime: Double, endTime: Double? = nil, mode: RolloutMode?, resourcesID: String?,
    status: RolloutStatus, config: RolloutConfig, metadata: JSONText?
  ) {
    self.id = id
    self.input = input
    self.startTime = startTime
    self.endTime = endTime
    self.mode = mode
    self.resourcesID = resourcesID
    self.status = status
    self.config = config
    self.metadata = metadata
  }
}

/// When an attempt is given up, and when another one is made.
package struct RolloutConfig: Hashable, Sendable {
  /// Seconds that an attempt may take; `nil` = without limit.
  package var timeoutSeconds: Double?
  /// Seconds without a sign of life after which an attempt is unresponsive; `nil` = without limit.
  package var unresponsiveSeconds: Double?
  /// At least 1.
  package var maxAttempts: Int64
  /// After which ends of an attempt another one is made; order and repeats are kept.
  package var retryCondition: [AttemptStatus]

  package init(
    timeoutSeconds: Double? = nil, unresponsiveSeconds: Double? = nil, maxAttempts: Int64 = 1,
    retryCondition: [AttemptStatus] = []
  ) {
    self.timeoutSeconds = timeoutSeconds
    self.unresponsiveSeconds = unresponsiveSeconds
    self.maxAttempts = maxAttempts
    self.retryCondition = retryCondition
  }
}

/// One try of a rollout.
package struct Attempt: Hashable, Sendable {
  package var rolloutID: String
  package var id: String
  /// Its number in the rollout, from 1.
  package var sequence: Int64
  package var startTime: Double
  package var endTime: Double?
  package var status: AttemptStatus
  package var workerID: String?
  package var lastHeartbeatTime: Double?
  /// An object; `nil` for JSON's null.
  package var metadata: JSONText?

  package init(
    rolloutID: String, id: String, sequence: Int64, startTime: Double, endTime: Double? = nil, status: AttemptStatus,
    workerID: String? = nil, lastHeartbeatTime: Double? = nil, metadata: JSONText? = nil
  ) {
    self.rolloutID = rolloutID
    self.id = id
    self.sequence = sequence
    self.startTime = startTime
    self.endTime = endTime
    self.status = status
    self.workerID = workerID
    self.lastHeartbeatTime = lastHeartbeatTime
    self.metadata = metadata
  }
}

/// A rollout with its latest attempt.
package struct AttemptedRollout: Hashable, Sendable {
  package var rollout: Rollout
  /// `nil` when nobody has tried yet.
  package var attempt: Attempt?

  package init(rollout: Rollout, attempt: Attempt?) {
    self.rollout = rollout
    self.attempt = attempt
  }
}
