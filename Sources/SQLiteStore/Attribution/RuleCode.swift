import Telemetry

/// The column `rule` of a span: which rules gave it its tags.
///
/// The low four bits are the rule that gave the rollout, the next two the rule that gave an attempt of the span's own, and
/// one says whether the span's number was given.
struct RuleCode: Hashable {
  private(set) var rawValue: Int64

  init(rawValue: Int64) { self.rawValue = rawValue }

  /// - Parameter ownAttempt: The rule of an attempt that the span brought itself, else `none`.
  init(rollout: TagRule, ownAttempt: TagRule, isNumberGiven: Bool) {
    rawValue = Int64(rollout.rawValue) | Int64(ownAttempt.rawValue & 3) << 4 | (isNumberGiven ? 64 : 0)
  }

  /// The code of what a span brings itself.
  init(own tag: RolloutTag, isNumberGiven: Bool) {
    self.init(
      rollout: tag.rolloutID == nil ? .none : tag.rule, ownAttempt: tag.attemptID == nil ? .none : tag.attemptRule,
      isNumberGiven: isNumberGiven)
  }

  /// The rule that gave the rollout; `none` without one.
  var rollout: TagRule { TagRule(rawValue: UInt8(truncatingIfNeeded: rawValue & 15)) ?? .none }

  /// The rule that gave an attempt of the span's own.
  ///
  /// Databases of older versions leave it out where it is that of the rollout.
  var ownAttempt: TagRule { TagRule(rawValue: UInt8(truncatingIfNeeded: rawValue >> 4 & 3)) ?? .none }

  /// Whether the number was given, and not issued by this store.
  var isNumberGiven: Bool { rawValue & 64 != 0 }

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
