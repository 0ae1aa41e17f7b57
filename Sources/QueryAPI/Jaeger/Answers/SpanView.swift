import Telemetry
import TraceStore

/// How a stored span is shown: what its bytes do not say, and what is said differently.
struct SpanView: Sendable {
  /// Where it belongs, whatever rule has found that.
  var rolloutID: String?
  var attemptID: String?
  var sequence: Int64?
  /// In place of the ids in the bytes.
  var adjustment: SpanAdjustment?

  init(_ row: SpanRow) {
    rolloutID = row.rolloutID
    attemptID = row.attemptID
    sequence = row.rolloutID == nil ? nil : row.sequence
  }

  /// A span that is not stored.
  init() {}
}

/// Other ids for a span.
struct SpanAdjustment: Hashable, Sendable {
  var spanID: SpanID
  /// `nil` for a root.
  var parentID: SpanID?
}

/// The attributes by which spans name their rollouts.
enum RolloutKey {
  static let rollout: StaticString = "agentlightning.rollout_id"
  static let attempt: StaticString = "agentlightning.attempt_id"
  static let sequence: StaticString = "agentlightning.span_sequence_id"
}
