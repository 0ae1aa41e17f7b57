/// An episode of an agent that shows itself by its key: what is called with the key belongs to one attempt.
///
/// Times are nanoseconds since 1970.
package struct KeySession: Hashable, Sendable {
  /// Why a session is over; the numbers are stored.
  package enum Ending: Int64, Hashable, Sendable {
    /// Somebody has ended it.
    case finished = 1
    /// It has lived as long as it may.
    case expired = 2
    /// Nobody has used it for too long.
    case idle = 3
    /// Its attempt has ended otherwise.
    case attemptEnded = 4
    /// Its key has gone on to another session.
    case refreshed = 5
  }

  /// Its row; unique, ascending.
  package var row: Int64
  /// `<task>-<number>`; never given twice.
  package var id: String
  package var taskID: String
  /// Sessions that were started together share it.
  package var groupID: String
  /// `nil` when the key has gone on to another session.
  package var key: SessionKeyHash?
  package var rolloutID: String
  package var attemptID: String
  package var limits: SessionLimits
  package var created: Int64
  /// When its key was used last; counts from the start.
  package var lastUsed: Int64
  /// Requests that were made with its key.
  package var requests: Int64 = 0
  package var ending: Ending?
  /// When it ended.
  package var ended: Int64?

  package init(
    row: Int64, id: String, taskID: String, groupID: String, key: SessionKeyHash?, rolloutID: String,
    attemptID: String, limits: SessionLimits, created: Int64, lastUsed: Int64
  ) {
    self.row = row
    self.id = id
    self.taskID = taskID
    self.groupID = groupID
    self.key = key
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.limits = limits
    self.created = created
    self.lastUsed = lastUsed
  }

  /// Why the session is over by now, also when nobody has noted it yet.
  package func ending(now: Int64) -> Ending? {
    if let ending { return ending }
    if let lifetime = limits.lifetime, now - created >= lifetime { return .expired }
    if let idleTimeout = limits.idleTimeout, now - lastUsed >= idleTimeout { return .idle }
    return nil
  }
}

/// What may be done with a session key; `nil` = without limit.
package struct SessionLimits: Hashable, Sendable {
  /// Nanoseconds from the start.
  package var lifetime: Int64?
  /// Nanoseconds without use.
  package var idleTimeout: Int64?
  /// The models that may be asked for.
  package var models: [String]?
  package var requests: Int64?

  package init(lifetime: Int64? = nil, idleTimeout: Int64? = nil, models: [String]? = nil, requests: Int64? = nil) {
    self.lifetime = lifetime
    self.idleTimeout = idleTimeout
    self.models = models
    self.requests = requests
  }
}

/// A session that is to be made.
package struct NewKeySession: Sendable {
  package var taskID: String
  package var groupID: String
  package var key: SessionKeyHash
  package var limits: SessionLimits
  /// The rollout that is made for it.
  package var rollout: NewRollout

  package init(
    taskID: String, groupID: String, key: SessionKeyHash, limits: SessionLimits, rollout: NewRollout
  ) {
    self.taskID = taskID
    self.groupID = groupID
    self.key = key
    self.limits = limits
    self.rollout = rollout
  }
}

/// How much a session was used, as far as this process knows.
package struct SessionUsage: Hashable, Sendable {
  package var row: Int64
  package var lastUsed: Int64
  package var requests: Int64

  package init(row: Int64, lastUsed: Int64, requests: Int64) {
    self.row = row
    self.lastUsed = lastUsed
    self.requests = requests
  }
}
