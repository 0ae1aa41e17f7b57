/// Where a span belongs in the store of Agent Lightning.
package struct AGLSpanTags: Hashable, Sendable {
  /// The rollout; empty when it is not known.
  package var rolloutID: String
  /// The attempt; empty when it is not known.
  package var attemptID: String
  /// The number of the span within its rollout.
  package var sequenceID: Int64

  /// Takes what attribution has decided.
  package init(rolloutID: String, attemptID: String, sequenceID: Int64) {
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.sequenceID = sequenceID
  }
}
