package import JSON
package import Telemetry

/// Rollouts as Agent Lightning's client gets them, for other parts of the program.
package enum RolloutText {
  /// Writes a rollout with its latest attempt.
  ///
  /// - Parameter extras: Writes further members behind the known ones.
  package static func write(
    _ rollout: AttemptedRollout, to writer: inout JSONWriter, extras: (inout JSONWriter) -> Void
  ) {
    writer.rollout(rollout)
    // The object goes on.
    writer.bytes.removeLast()
    extras(&writer)
    writer.endObject()
  }

  /// Writes a list of attempts.
  package static func write(_ attempts: [Attempt], to writer: inout JSONWriter) {
    writer.beginArray()
    for attempt in attempts { writer.attempt(attempt) }
    writer.endArray()
  }
}
