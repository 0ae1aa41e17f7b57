package import JSON
package import Telemetry

/// Writes rollouts as the objects that Agent Lightning's client reads, all keys in the order of its models.
///
/// AGL store contract, section 4.
package enum RolloutWriter {
  /// Writes a rollout, with its attempt if it has one: the client tells the two models apart by the key.
  ///
  /// - Parameter extras: Writes further members behind the known ones.
  package static func write(
    _ found: AttemptedRollout, to writer: inout JSONWriter, extras: (inout JSONWriter) -> Void = { _ in }
  ) {
    writer.beginObject()
    members(found.rollout, to: &writer)
    if let attempt = found.attempt {
      writer.key("attempt")
      write(attempt, to: &writer)
    }
    extras(&writer)
    writer.endObject()
  }

  /// Writes a rollout alone.
  package static func write(_ rollout: Rollout, to writer: inout JSONWriter) {
    writer.beginObject()
    members(rollout, to: &writer)
    writer.endObject()
  }

  private static func members(_ rollout: Rollout, to writer: inout JSONWriter) {
    writer.key("rollout_id")
    writer.string(rollout.id)
    writer.key("input")
    writer.json(rollout.input.text.utf8Span.span)
    writer.key("start_time")
    writer.double(rollout.startTime)
    writer.key("end_time")
    writer.optional(rollout.endTime)
    writer.key("mode")
    writer.optional(rollout.mode?.rawValue)
    writer.key("resources_id")
    writer.optional(rollout.resourcesID)
    writer.key("status")
    writer.string(rollout.status.rawValue)
    writer.key("config")
    write(rollout.config, to: &writer)
    writer.key("metadata")
    writer.optional(rollout.metadata)
  }

  private static func write(_ config: RolloutConfig, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("timeout_seconds")
    writer.optional(config.timeoutSeconds)
    writer.key("unresponsive_seconds")
    writer.optional(config.unresponsiveSeconds)
    writer.key("max_attempts")
    writer.integer(config.maxAttempts)
    writer.key("retry_condition")
    writer.beginArray()
    for status in config.retryCondition { writer.string(status.rawValue) }
    writer.endArray()
    writer.endObject()
  }

  /// Writes an attempt.
  package static func write(_ attempt: Attempt, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("rollout_id")
    writer.string(attempt.rolloutID)
    writer.key("attempt_id")
    writer.string(attempt.id)
    writer.key("sequence_id")
    writer.integer(attempt.sequence)
    writer.key("start_time")
    writer.double(attempt.startTime)
    writer.key("end_time")
    writer.optional(attempt.endTime)
    writer.key("status")
    writer.string(attempt.status.rawValue)
    writer.key("worker_id")
    writer.optional(attempt.workerID)
    writer.key("last_heartbeat_time")
    writer.optional(attempt.lastHeartbeatTime)
    writer.key("metadata")
    writer.optional(attempt.metadata)
    writer.endObject()
  }
}
