import Telemetry
import TraceStore

/// What a search says of the rollout of a span; `nil` where it says nothing.
struct RolloutConditions: Sendable {
  private(set) var rolloutID: String?
  private(set) var attemptID: String?
  private(set) var sequence: String?

  /// Whether the index answers for a tag.
  static func isKey(_ key: String) -> Bool {
    [RolloutKey.rollout, RolloutKey.attempt, RolloutKey.sequence].contains { $0.description == key }
  }

  init(_ tags: [(key: String, value: String)]) {
    for tag in tags {
      switch tag.key {
      case RolloutKey.rollout.description: rolloutID = tag.value
      case RolloutKey.attempt.description: attemptID = tag.value
      case RolloutKey.sequence.description: sequence = tag.value
      default: break
      }
    }
  }

  func hold(for attempt: SpanAttempt, _ sequence: Int64?) -> Bool {
    if let rolloutID, attempt.rolloutID.map(ExactText.init) != ExactText(rolloutID) { return false }
    if let attemptID, attempt.attemptID.map(ExactText.init) != ExactText(attemptID) { return false }
    guard let wanted = self.sequence else { return true }
    return attempt.rolloutID != nil && sequence != nil && Int64(wanted) == sequence
  }
}
