/// The rollout and the attempt that a span names, as far as it names them.
package struct RolloutTag: Hashable, Sendable {
  /// The rollout's id; `nil` when it is not known. Never empty.
  package var rolloutID: String?
  /// The attempt's id; `nil` when it is not known. Never empty.
  package var attemptID: String?
  /// The rule that gave the rollout, or the attempt when there is no rollout.
  package var rule: TagRule

  package init(rolloutID: String? = nil, attemptID: String? = nil, rule: TagRule = .none) {
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.rule = rule
  }

  package static func == (first: RolloutTag, second: RolloutTag) -> Bool {
    first.rule == second.rule && first.rolloutID.map(ExactText.init) == second.rolloutID.map(ExactText.init)
      && first.attemptID.map(ExactText.init) == second.attemptID.map(ExactText.init)
  }

  /// Neither a rollout nor an attempt.
  package static let unassigned = RolloutTag()
}
