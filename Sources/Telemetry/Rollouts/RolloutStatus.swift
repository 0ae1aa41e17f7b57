/// Where a rollout stands.
///
/// AGL store contract, sections 4 and 6.
package enum RolloutStatus: String, Hashable, Sendable, CaseIterable {
  case queuing, preparing, running, failed, succeeded, cancelled, requeuing

  /// Whether it waits for somebody to take it.
  package var isQueued: Bool { self == .queuing || self == .requeuing }

  /// Whether somebody is at it.
  package var isActive: Bool { self == .preparing || self == .running }

  /// Whether nothing more is to come.
  package var isFinished: Bool { self == .failed || self == .succeeded || self == .cancelled }
}

/// Where an attempt at a rollout stands.
package enum AttemptStatus: String, Hashable, Sendable, CaseIterable {
  case preparing, running, failed, succeeded, unresponsive, timeout

  /// Whether somebody is at it.
  package var isActive: Bool { self == .preparing || self == .running }

  /// Whether the attempt has come to an end by its own account.
  package var hasEnded: Bool { self == .failed || self == .succeeded }

  /// Whether a rollout may try again after it.
  package var isRetryable: Bool { self == .failed || self == .timeout || self == .unresponsive }
}

/// What a worker does.
package enum WorkerStatus: String, Hashable, Sendable, CaseIterable {
  case idle, busy, unknown
}

/// What a rollout is for.
package enum RolloutMode: String, Hashable, Sendable, CaseIterable {
  case train, val, test
}
