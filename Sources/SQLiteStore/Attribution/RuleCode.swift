import Telemetry

/// The column `rule` of a span: which rules gave it its tags.
///
/// The low four bits are the rule that gave the rollout, the next two the rule that gave an attempt of the span's own where that
/// is another one, and one says that the store has issued the span's number. So the code of most spans is 1, which takes no byte.
struct RuleCode: Hashable {
  private(set) var rawValue: Int64

  init(rawValue: Int64) { self.rawValue = rawValue }

  /// The code of what a span brings itself.
  init(own tag: RolloutTag) {
    let rollout = tag.rolloutID == nil ? TagRule.none : tag.rule
    let attempt = tag.attemptID == nil || tag.attemptRule == rollout ? TagRule.none : tag.attemptRule
    rawValue = Int64(rollout.rawValue) | Int64(attempt.rawValue & 3) << 4
  }

  /// The rule that gave the rollout; `none` without one.
  var rollout: TagRule { TagRule(rawValue: UInt8(truncatingIfNeeded: rawValue & 15)) ?? .none }

  /// The rule that gave an attempt of the span's own.
  ///
  /// `none` for one that has no attempt of its own, and for one whose rollout came by the same rule.
  var ownAttempt: TagRule { TagRule(rawValue: UInt8(truncatingIfNeeded: rawValue >> 4 & 3)) ?? .none }

  /// Whether the number was issued by this store, and not given.
  var isNumberIssued: Bool {
    get { rawValue & 64 != 0 }
    set { rawValue = newValue ? rawValue | 64 : rawValue & ~64 }
  }

  /// Whether the rollout is the span's own, so that no other span or registration changes it.
  var hasOwnRollout: Bool { (1...3).contains(rawValue & 15) }

  /// The same with another rule for the rollout.
  func with(rollout: TagRule) -> RuleCode {
    RuleCode(rawValue: rawValue & ~15 | Int64(rollout.rawValue))
  }

  /// What people are shown: the rule of the rollout, or of the attempt where there is no rollout.
  var shown: TagRule { rollout == .none ? ownAttempt : rollout }

  /// That a span has no rollout of its own, in SQL.
  static let isFollower = "(rule - 1 & 15) > 2"
}
