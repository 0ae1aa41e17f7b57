import Protobuf
import Telemetry

/// Reads one `Span` message.
///
/// The lists that it needs meanwhile are kept from span to span, so that no span allocates them.
struct SpanScan: Sendable {
  /// Links of a span that attribution follows: the limit that SDKs have.
  ///
  /// All of them are stored.
  private static let indexedLinks = 128

  private var links: [(TraceID, SpanID)] = []
  private var sessions: [(SpanSession.Key, Range<Int>)] = []

  private var traceState: Range<Int>?
  private var evidence = TagEvidence()

  /// The evidence of the span before, and the tag it gave: mostly the next span says the same.
  private var lastEvidence = TagEvidence()
  private var lastTag: Int32 = -1
  private var lastResourceTag: Int32 = -1

  /// Checks a span and appends its facts to the batch.
  mutating func span(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ resource: ResourceFacts, _ scan: inout ValueScan,
    _ batch: inout SpanBatch
  ) throws(ProtobufError) {
    var facts = SpanFacts(traceID: TraceID(high: 0, low: 0), spanID: SpanID(value: 0))
    facts.offset = Int32(truncatingIfNeeded: range.lowerBound)
    facts.length = Int32(truncatingIfNeeded: range.count)
    traceState = nil
    evidence = TagEvidence()
    links.removeAll(keepingCapacity: true)
    sessions.removeAll(keepingCapacity: true)

    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag.rawValue {
      case ProtobufTag.lengthDelimited(9).rawValue:
        let attribute = try scan.keyValue(bytes, try reader.lengthDelimited())
        if let name = AttributeName(bytes, attribute.key) { read(bytes, name, attribute.value, &facts) }
      case ProtobufTag.lengthDelimited(1).rawValue:
        facts.traceID = TraceID(bytes, at: try reader.lengthDelimited()) ?? TraceID(high: 0, low: 0)
      case ProtobufTag.lengthDelimited(2).rawValue:
        facts.spanID = SpanID(bytes, at: try reader.lengthDelimited()) ?? SpanID(value: 0)
      case ProtobufTag.lengthDelimited(3).rawValue:
        let text = try reader.lengthDelimited()
        scan.string(bytes, text)
        traceState = text.isEmpty ? nil : text
      case ProtobufTag.lengthDelimited(4).rawValue:
        facts.parentID = parentID(bytes, try reader.lengthDelimited(), &scan)
      case ProtobufTag.lengthDelimited(5).rawValue:
        let name = try reader.lengthDelimited()
        scan.string(bytes, name)
        indexName(bytes, name, &facts)
      case ProtobufTag.varint(6).rawValue: facts.kind = Int32(truncatingIfNeeded: try reader.varint())
      case ProtobufTag.fixed64(7).rawValue: facts.startTime = try reader.fixed64()
      case ProtobufTag.fixed64(8).rawValue: facts.endTime = try reader.fixed64()
      case ProtobufTag.varint(10).rawValue, ProtobufTag.varint(12).rawValue, ProtobufTag.varint(14).rawValue:
        _ = try reader.varint()
      case ProtobufTag.lengthDelimited(11).rawValue: try scan.event(bytes, try reader.lengthDelimited())
      case ProtobufTag.lengthDelimited(13).rawValue:
        if let link = try scan.link(bytes, try reader.lengthDelimited()) { links.append(link) }
      case ProtobufTag.lengthDelimited(15).rawValue:
        if let code = try scan.status(bytes, try reader.lengthDelimited()) { facts.statusCode = code }
      case ProtobufTag.fixed32(16).rawValue: _ = try reader.fixed32()
      default:
        if tag.field == AnswerField.number && !scan.allowsAnswers { scan.isClean = false }
        try scan.skip(tag, knownFields: 16, &reader)
      }
    }
    guard facts.traceID.isValid, facts.spanID.isValid else {
      scan.isClean = false
      return
    }
    finish(bytes, &facts, resource, &batch)
  }

  /// Notes as much of the name as the index keeps, and never half a character.
  @inline(__always)
  private func indexName(_ bytes: Span<UInt8>, _ name: Range<Int>, _ facts: inout SpanFacts) {
    var length = name.count
    if length > SpanFacts.maximumNameLength {
      length = SpanFacts.maximumNameLength
      while length > 0, bytes[name.lowerBound + length] & 0xC0 == 0x80 { length -= 1 }
    }
    facts.nameOffset = Int32(truncatingIfNeeded: name.lowerBound)
    facts.nameLength = Int32(truncatingIfNeeded: length)
    facts.nameKey = NameKey(bytes, name.lowerBound..<name.lowerBound + length)
  }

  /// `bytes parent_span_id = 4`: empty or zero for a root.
  @inline(__always)
  private func parentID(_ bytes: Span<UInt8>, _ range: Range<Int>, _ scan: inout ValueScan) -> SpanID {
    if range.isEmpty { return SpanID(value: 0) }
    guard let parent = SpanID(bytes, at: range), parent.isValid else {
      scan.isClean = false
      return SpanID(value: 0)
    }
    return parent
  }

  private mutating func read(
    _ bytes: Span<UInt8>, _ name: AttributeName, _ value: Range<Int>, _ facts: inout SpanFacts
  ) {
    switch name {
    case .rolloutID: evidence.rollout = value
    case .attemptID: evidence.attempt = value
    case .baggageRolloutID: evidence.baggageRollout = value
    case .baggageAttemptID: evidence.baggageAttempt = value
    case .sequence: facts.sequence = ScalarValue(bytes, value)?.count(bytes) ?? -1
    case .inputTokens: facts.inputTokens = ScalarValue(bytes, value)?.count(bytes) ?? -1
    case .outputTokens: facts.outputTokens = ScalarValue(bytes, value)?.count(bytes) ?? -1
    case .session: note(.session, value)
    case .conversation: note(.conversation, value)
    case .openClawSession: note(.openClawSession, value)
    case .openClawSessionKey: note(.openClawSessionKey, value)
    case .serviceName: break
    }
  }

  /// Notes a session; of one key the last value counts, so that a span has four at most.
  private mutating func note(_ key: SpanSession.Key, _ value: Range<Int>) {
    sessions.removeAll { $0.0 == key }
    sessions.append((key, value))
  }

  private mutating func finish(
    _ bytes: Span<UInt8>, _ facts: inout SpanFacts, _ resource: ResourceFacts, _ batch: inout SpanBatch
  ) {
    if facts.sequence < 0 { facts.sequence = resource.sequence }
    facts.context = Int32(batch.contexts.count - 1)
    facts.tag = tag(bytes, resource, &batch)
    // Only a span that names no rollout waits for one.
    if batch.tags[Int(facts.tag)].rolloutID == nil {
      for (key, value) in sessions {
        guard let text = ScalarValue(bytes, value)?.text(bytes), text.utf8.count <= SpanSession.maximumLength else {
          continue
        }
        batch.sessions.append(SpanSession(span: batch.spans.count, key: key, value: text))
      }
      for (traceID, spanID) in links.prefix(Self.indexedLinks) {
        batch.links.append(SpanLink(span: batch.spans.count, traceID: traceID, spanID: spanID))
      }
    }
    batch.spans.append(facts)
  }

  private mutating func tag(_ bytes: Span<UInt8>, _ resource: ResourceFacts, _ batch: inout SpanBatch) -> Int32 {
    if let traceState { evidence.member = TraceStateMember.find(bytes, in: traceState) }
    if evidence.isEmpty { return resource.tag }
    // Of one request, two resources with one tag name the same ids in the same places.
    if lastResourceTag == resource.tag, evidence.isSame(as: lastEvidence, bytes) { return lastTag }
    let tag = resource.makeTag(span: evidence.explicitIDs(bytes), context: evidence.contextIDs(bytes))
    lastEvidence = evidence
    lastResourceTag = resource.tag
    lastTag = batch.index(of: tag)
    return lastTag
  }
}
