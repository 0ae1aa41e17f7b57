import Protobuf
import Telemetry

/// What a resource says about the spans below it.
struct ResourceFacts: Sendable {
  /// Index of the resource's tag in the batch.
  var tag: Int32
  var rolloutID: String?
  var attemptID: String?
  var sequence: Int64
  var service: String?
  /// The tag that the request brought, for what the resource does not say.
  var requestTag: RolloutTag

  /// Checks all of a `ResourceSpans` message but its scopes, and reads the resource's attributes.
  init(
    _ bytes: Span<UInt8>, resourceSpans: Range<Int>, _ scan: inout ValueScan, _ batch: inout SpanBatch,
    _ requestTag: RolloutTag
  ) throws(ProtobufError) {
    tag = 0
    sequence = -1
    self.requestTag = requestTag
    var reader = ProtobufReader(bytes, at: resourceSpans)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): try readResource(bytes, try reader.lengthDelimited(), &scan)
      case .lengthDelimited(2): _ = try reader.lengthDelimited()
      case .lengthDelimited(3): scan.string(bytes, try reader.lengthDelimited())
      default: try scan.skip(tag, knownFields: 3, &reader)
      }
    }
    tag = batch.index(of: makeTag())
  }

  /// Reads a `Resource` message.
  private mutating func readResource(_ bytes: Span<UInt8>, _ range: Range<Int>, _ scan: inout ValueScan)
    throws(ProtobufError)
  {
    var reader = ProtobufReader(bytes, at: range)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): read(bytes, try scan.keyValue(bytes, try reader.lengthDelimited()))
      case .varint(2): _ = try reader.varint()
      case .lengthDelimited(3): try scan.entityReference(bytes, try reader.lengthDelimited())
      default: try scan.skip(tag, knownFields: 3, &reader)
      }
    }
  }

  private mutating func read(_ bytes: Span<UInt8>, _ attribute: ValueScan.KeyValue) {
    guard let name = AttributeName(bytes, attribute.key) else { return }
    let value = ScalarValue(bytes, attribute.value)
    switch name {
    case .rolloutID: rolloutID = value?.text(bytes)
    case .attemptID: attemptID = value?.text(bytes)
    case .sequence: sequence = value?.count(bytes) ?? -1
    case .serviceName: if case .string(let text)? = value { service = bytes.text(at: text) }
    default: break
    }
  }

  /// Where a span belongs: each key from the span, else from the resource, the request, the span's context.
  func makeTag(span: NamedIDs = NamedIDs(), context: NamedIDs = NamedIDs()) -> RolloutTag {
    let explicitRollout = span.rolloutID ?? rolloutID
    let explicitAttempt = span.attemptID ?? attemptID
    let rollout = explicitRollout ?? requestTag.rolloutID ?? context.rolloutID
    let attempt = explicitAttempt ?? requestTag.attemptID ?? context.attemptID
    guard rollout != nil || attempt != nil else { return .unassigned }
    let attemptRule = Self.rule(explicit: explicitAttempt, request: requestTag.attemptID)
    let rule = rollout == nil ? attemptRule : Self.rule(explicit: explicitRollout, request: requestTag.rolloutID)
    return RolloutTag(
      rolloutID: rollout, attemptID: attempt, rule: rule, attemptRule: attempt == nil ? rule : attemptRule)
  }

  private static func rule(explicit: String?, request: String?) -> TagRule {
    explicit != nil ? .explicit : request != nil ? .request : .context
  }
}

extension SpanBatch {
  /// Where a tag stands in `tags`; it is added when it is new.
  ///
  /// Only the last few are compared: a request mostly has one tag, and one with thousands must not cost their square.
  mutating func index(of tag: RolloutTag) -> Int32 {
    if let index = tags.suffix(8).lastIndex(of: tag) { return Int32(index) }
    tags.append(tag)
    return Int32(tags.count - 1)
  }
}
