/// Where a span says itself to which rollout and attempt it belongs.
///
/// The ranges of attributes are those of their `AnyValue`.
struct TagEvidence: Sendable {
  /// Attributes `agentlightning.rollout_id` and `agentlightning.attempt_id`.
  var rollout: Range<Int>?
  var attempt: Range<Int>?
  /// The value of the ``TraceStateMember``.
  var member: Range<Int>?
  /// The same two in the baggage, which some SDKs copy to attributes.
  var baggageRollout: Range<Int>?
  var baggageAttempt: Range<Int>?

  @inline(__always)
  var isEmpty: Bool {
    rollout == nil && attempt == nil && member == nil && baggageRollout == nil && baggageAttempt == nil
  }

  /// Whether both say the same, byte for byte.
  func isSame(as other: TagEvidence, _ bytes: Span<UInt8>) -> Bool {
    bytes.areEqual(rollout, other.rollout) && bytes.areEqual(attempt, other.attempt)
      && bytes.areEqual(member, other.member) && bytes.areEqual(baggageRollout, other.baggageRollout)
      && bytes.areEqual(baggageAttempt, other.baggageAttempt)
  }

  /// What the attributes of the span name.
  func explicitIDs(_ bytes: Span<UInt8>) -> NamedIDs {
    NamedIDs(rolloutID: Self.text(bytes, rollout), attemptID: Self.text(bytes, attempt))
  }

  /// What the context of the span names: each id from the trace state, else from the baggage.
  func contextIDs(_ bytes: Span<UInt8>) -> NamedIDs {
    let member = member.flatMap { TraceStateMember(bytes, $0) }
    return NamedIDs(
      rolloutID: member?.rolloutID ?? Self.text(bytes, baggageRollout),
      attemptID: member?.attemptID ?? Self.text(bytes, baggageAttempt))
  }

  private static func text(_ bytes: Span<UInt8>, _ value: Range<Int>?) -> String? {
    value.flatMap { ScalarValue(bytes, $0)?.text(bytes) }
  }
}

/// The rollout and the attempt that one kind of evidence names, as far as it does.
struct NamedIDs {
  var rolloutID: String?
  var attemptID: String?
}

extension Span where Element == UInt8 {
  fileprivate func areEqual(_ first: Range<Int>?, _ second: Range<Int>?) -> Bool {
    switch (first, second) {
    case (nil, nil): true
    case (let first?, let second?): areEqual(first, second)
    default: false
    }
  }
}
