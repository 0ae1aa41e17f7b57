import Protobuf

extension MessageRewriter {
  /// Copies the fields of a span.
  ///
  /// - Returns: Whether the span is kept. What is wrong inside a span that is not still makes the request malformed.
  @_lifetime(self: copy self)
  mutating func span(_ range: Range<Int>) throws(ProtobufError) -> Bool {
    let index = spanCount
    spanCount += 1
    let span = try SpanFields(bytes, at: range)
    let invalidLinks = try invalidLinkCount(span.links)
    var omitted: UInt32 = 0
    if bytes.isZero(at: span.parentSpanID) { omitted |= 1 << 4 }
    if invalidLinks > 0 { omitted |= 1 << 14 }
    try message(.span, MessageParts(range), depth: 0, omitting: omitted)
    if invalidLinks > 0 {
      let (sum, overflow) = span.droppedLinksCount.addingReportingOverflow(UInt32(clamping: invalidLinks))
      writer.output.varintField(14, UInt64(overflow ? .max : sum))
    }
    guard let reason = rejection(of: span) else { return true }
    var rollout = try rolloutID(span.attributes.extent, field: 9)
    if rollout == nil { rollout = try resourceRolloutID() }
    rejected.append(RejectedSpan(index: index, reason: reason, rolloutID: rollout))
    return false
  }

  private func rejection(of span: SpanFields) -> RejectedSpan.Reason? {
    if !bytes.isIdentifier(at: span.traceID, count: 16) { return .invalidTraceID }
    if !bytes.isIdentifier(at: span.spanID, count: 8) { return .invalidSpanID }
    return [0, 8].contains(span.parentSpanID.count) ? nil : .invalidParentSpanID
  }

  /// The rollout that the resource names, which is looked for once for all of its spans.
  @_lifetime(self: copy self)
  private mutating func resourceRolloutID() throws(ProtobufError) -> String? {
    if let resourceRollout { return resourceRollout }
    var rollout: String?
    if let subject = try EnvelopeFields(bytes, at: resourceSpans).subject {
      for index in 0..<subject.count { rollout = try rolloutID(subject[index], field: 1) ?? rollout }
    }
    resourceRollout = .some(rollout)
    return rollout
  }

  /// Finds the rollout among the attributes of a message.
  private func rolloutID(_ message: Range<Int>, field: UInt32) throws(ProtobufError) -> String? {
    var rollout: String?
    var reader = ProtobufReader(bytes, at: message)
    while let attribute = try reader.nextOccurrence(of: field) {
      let fields = try KeyValueFields(bytes, at: attribute)
      guard AttributeName(bytes, fields.key) == .rolloutID, let value = fields.value,
        case .string(let text) = try AnyValueFields(bytes, at: value), !text.isEmpty
      else { continue }
      rollout = bytes.text(at: text)
    }
    return rollout
  }

  private func invalidLinkCount(_ links: RepeatedField) throws(ProtobufError) -> Int {
    var count = 0
    var reader = ProtobufReader(bytes, at: links.extent)
    while let range = try reader.nextOccurrence(of: 13) {
      if !(try LinkFields(bytes, at: range).hasValidIdentifiers(bytes)) { count += 1 }
    }
    return count
  }
}

extension LinkFields {
  /// Whether the link names a span.
  func hasValidIdentifiers(_ bytes: Span<UInt8>) -> Bool {
    bytes.isIdentifier(at: traceID, count: 16) && bytes.isIdentifier(at: spanID, count: 8)
  }
}

extension Span<UInt8> {
  /// Whether a part holds a trace or span id: the right number of bytes, not all of them zero.
  fileprivate func isIdentifier(at range: Range<Int>, count: Int) -> Bool {
    range.count == count && !isZero(at: range)
  }

  fileprivate func isZero(at range: Range<Int>) -> Bool { range.allSatisfy { self[$0] == 0 } }
}
