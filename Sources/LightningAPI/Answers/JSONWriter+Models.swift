import JSON
import Telemetry

// Agent Lightning's models, each with all of its members in its order. AGL store contract, section 4.
extension JSONWriter {
  /// `AttemptedRollout`; without an attempt it is a `Rollout`, which clients tell by the missing key.
  mutating func rollout(_ value: AttemptedRollout) {
    beginRollout(value.rollout)
    if let attempt = value.attempt {
      key("attempt")
      self.attempt(attempt)
    }
    endObject()
  }

  /// `Rollout`.
  mutating func rollout(_ value: Rollout) {
    beginRollout(value)
    endObject()
  }

  private mutating func beginRollout(_ value: Rollout) {
    beginObject()
    key("rollout_id")
    string(value.id)
    key("input")
    text(value.input)
    key("start_time")
    double(value.startTime)
    key("end_time")
    double(value.endTime)
    key("mode")
    string(value.mode?.rawValue)
    key("resources_id")
    string(value.resourcesID)
    key("status")
    string(value.status.rawValue)
    key("config")
    config(value.config)
    key("metadata")
    text(value.metadata)
  }

  /// `RolloutConfig`.
  private mutating func config(_ value: RolloutConfig) {
    beginObject()
    key("timeout_seconds")
    double(value.timeoutSeconds)
    key("unresponsive_seconds")
    double(value.unresponsiveSeconds)
    key("max_attempts")
    integer(value.maxAttempts)
    key("retry_condition")
    beginArray()
    for status in value.retryCondition { string(status.rawValue) }
    endArray()
    endObject()
  }

  /// `Attempt`.
  mutating func attempt(_ value: Attempt) {
    beginObject()
    key("rollout_id")
    string(value.rolloutID)
    key("attempt_id")
    string(value.id)
    key("sequence_id")
    integer(value.sequence)
    key("start_time")
    double(value.startTime)
    key("end_time")
    double(value.endTime)
    key("status")
    string(value.status.rawValue)
    key("worker_id")
    string(value.workerID)
    key("last_heartbeat_time")
    double(value.lastHeartbeatTime)
    key("metadata")
    text(value.metadata)
    endObject()
  }

  /// `Worker`.
  mutating func worker(_ value: Worker) {
    beginObject()
    key("worker_id")
    string(value.id)
    key("status")
    string(value.status.rawValue)
    key("heartbeat_stats")
    text(value.heartbeatStats)
    key("last_heartbeat_time")
    double(value.lastHeartbeatTime)
    key("last_dequeue_time")
    double(value.lastDequeueTime)
    key("last_busy_time")
    double(value.lastBusyTime)
    key("last_idle_time")
    double(value.lastIdleTime)
    key("current_rollout_id")
    string(value.currentRolloutID)
    key("current_attempt_id")
    string(value.currentAttemptID)
    endObject()
  }

  /// `ResourcesUpdate`.
  mutating func resources(_ value: ResourcesUpdate) {
    beginObject()
    key("resources_id")
    string(value.id)
    key("create_time")
    double(value.createTime)
    key("update_time")
    double(value.updateTime)
    key("version")
    integer(value.version)
    key("resources")
    text(value.resources)
    endObject()
  }
}
