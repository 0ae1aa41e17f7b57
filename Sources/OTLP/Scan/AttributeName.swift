import Glibc

/// An attribute that decides where a span is stored, or that is indexed.
enum AttributeName {
  case rolloutID, attemptID, sequence
  case inputTokens, outputTokens
  case session, conversation, openClawSession, openClawSessionKey
  case serviceName
  case baggageRolloutID, baggageAttemptID

  /// Finds the attribute by its key.
  ///
  /// The length alone tells most keys apart from these.
  @inline(__always)
  init?(_ bytes: Span<UInt8>, _ key: Range<Int>) {
    // One bit for each length that occurs below.
    let lengths: UInt64 = 1 << 10 | 1 << 12 | 1 << 19 | 1 << 22 | 1 << 25 | 1 << 26 | 1 << 30 | 1 << 31 | 1 << 33
    guard key.count < 64, lengths >> UInt64(key.count) & 1 == 1 else { return nil }
    self.init(checking: bytes, key)
  }

  @inline(never)
  private init?(checking bytes: Span<UInt8>, _ key: Range<Int>) {
    func matches(_ name: StaticString) -> Bool { bytes.equals(name, at: key) }
    switch key.count {
    case 10 where matches("session.id"): self = .session
    case 12 where matches("service.name"): self = .serviceName
    case 19 where matches("openclaw.session_id"): self = .openClawSession
    case 19 where matches("openclaw.sessionKey"): self = .openClawSessionKey
    case 22 where matches("gen_ai.conversation.id"): self = .conversation
    case 25 where matches("agentlightning.rollout_id"): self = .rolloutID
    case 25 where matches("agentlightning.attempt_id"): self = .attemptID
    case 25 where matches("gen_ai.usage.input_tokens"): self = .inputTokens
    case 26 where matches("gen_ai.usage.output_tokens"): self = .outputTokens
    // The names of these two before semantic conventions 1.27.
    case 26 where matches("gen_ai.usage.prompt_tokens"): self = .inputTokens
    case 30 where matches("gen_ai.usage.completion_tokens"): self = .outputTokens
    case 31 where matches("agentlightning.span_sequence_id"): self = .sequence
    case 33 where matches("baggage.agentlightning.rollout_id"): self = .baggageRolloutID
    case 33 where matches("baggage.agentlightning.attempt_id"): self = .baggageAttemptID
    default: return nil
    }
  }
}

extension Span where Element == UInt8 {
  /// Whether the bytes at `range` are those of `text`.
  func equals(_ text: StaticString, at range: Range<Int>) -> Bool {
    guard range.count == text.utf8CodeUnitCount else { return false }
    return unsafe extracting(range).withUnsafeBufferPointer { part in
      unsafe part.isEmpty || memcmp(part.baseAddress!, text.utf8Start, part.count) == 0
    }
  }

  /// Whether two ranges hold the same bytes.
  func areEqual(_ first: Range<Int>, _ second: Range<Int>) -> Bool {
    guard first.count == second.count else { return false }
    for index in 0..<first.count where self[first.lowerBound + index] != self[second.lowerBound + index] {
      return false
    }
    return true
  }

  /// The text at `range`; bytes that are not UTF-8 become U+FFFD.
  func text(at range: Range<Int>) -> String {
    let part = extracting(range)
    return unsafe part.withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
  }
}
