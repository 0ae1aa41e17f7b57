import Telemetry
import TraceStore

/// A rollout with what people want to see of it at once.
struct RolloutReport: Sendable {
  var rollout: Rollout
  /// The latest attempt.
  var attempt: Attempt?
  /// Spans by attempt, those that name none under an empty id.
  var spans: [String: Int64]
  /// The last reward of the latest attempt.
  var reward: Double?

  /// All spans of the rollout.
  var spanCount: Int64 { spans.values.reduce(0, +) }

  init(_ found: AttemptedRollout, _ session: any ReadSession) throws(StoreError) {
    rollout = found.rollout
    attempt = found.attempt
    spans = try session.spanCounts(ofRollout: found.rollout.id)
    reward = spans.isEmpty ? nil : try RewardFinder.lastReward(ofRollout: found.rollout.id, session)
  }
}
