import JSON

/// Where a span belongs in the store of Agent Lightning.
package struct AGLSpanTags: Hashable, Sendable {
  /// The members of a rollout and an attempt, rendered once for all of their spans: an object that is not closed.
  let owner: [UInt8]
  /// The number of the span within its rollout.
  package var sequenceID: Int64

  /// Takes what attribution has decided.
  ///
  /// - Parameters:
  ///   - rolloutID: The rollout; empty when it is not known.
  ///   - attemptID: The attempt; empty when it is not known.
  package init(rolloutID: String, attemptID: String, sequenceID: Int64) {
    var writer = JSONWriter()
    writer.tokens("{\"rollout_id\":")
    writer.string(rolloutID)
    writer.tokens("\"attempt_id\":")
    writer.string(attemptID)
    owner = writer.bytes
    self.sequenceID = sequenceID
  }
}
