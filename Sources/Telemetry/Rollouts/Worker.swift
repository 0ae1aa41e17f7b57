/// A process that takes rollouts from the queue.
///
/// Times are seconds since 1970. AGL store contract, sections 4 and 7.
package struct Worker: Hashable, Sendable {
  package var id: String
  package var status: WorkerStatus
  /// An object; `nil` for JSON's null.
  package var heartbeatStats: JSONText?
  package var lastHeartbeatTime: Double?
  package var lastDequeueTime: Double?
  package var lastBusyTime: Double?
  package var lastIdleTime: Double?
  package var currentRolloutID: String?
  package var currentAttemptID: String?

  package init(id: String, status: WorkerStatus = .unknown) {
    self.id = id
    self.status = status
  }
}

/// A set of named resources (models, prompts) that rollouts refer to.
///
/// AGL store contract, sections 4 and 8.
package struct ResourcesUpdate: Hashable, Sendable {
  package var id: String
  /// Seconds since 1970.
  package var createTime: Double
  package var updateTime: Double
  /// From 1, one more with each update.
  package var version: Int64
  /// An object: name to resource.
  package var resources: JSONText

  package init(id: String, createTime: Double, updateTime: Double, version: Int64, resources: JSONText) {
    self.id = id
    self.createTime = createTime
    self.updateTime = updateTime
    self.version = version
    self.resources = resources
  }
}
