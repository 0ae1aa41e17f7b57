/// The rollout and the attempt that a span names, as far as it names them.
package struct RolloutTag: Hashable, Sendable {
  /// The rollout's id; `nil` when it is not known.
  ///
  /// Never empty.
  package var rolloutID: String?
  /// The attempt's id; `nil` when it is not known.
  ///
  /// Never empty.
  package var attemptID: String?
  /// The rule that gave the rollout, or the attempt when there is no rollout.
  package var rule: TagRule
  /// The rule that gave the attempt; means nothing without one.
  package var attemptRule: TagRule

  /// - Parameter attemptRule: `nil` = that of the rollout.
  package init(
    rolloutID: String? = nil, attemptID: String? = nil, rule: TagRule = .none, attemptRule: TagRule? = nil
  ) {
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.rule = rule
    self.attemptRule = attemptRule ?? rule
  }

  /// Ids are equal when their bytes are.
  package static func == (first: RolloutTag, second: RolloutTag) -> Bool {
    first.rule == second.rule && first.attemptRule == second.attemptRule
      && first.rolloutID.map(ExactText.init) == second.rolloutID.map(ExactText.init)
      && first.attemptID.map(ExactText.init) == second.attemptID.map(ExactText.init)
  }

  package func hash(into hasher: inout Hasher) {
    hasher.combine(rule)
    hasher.combine(attemptRule)
    hasher.combine(rolloutID.map(ExactText.init))
    hasher.combine(attemptID.map(ExactText.init))
  }

  /// Neither a rollout nor an attempt.
  package static let unassigned = RolloutTag()
}
