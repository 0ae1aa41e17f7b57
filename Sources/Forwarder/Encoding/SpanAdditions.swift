import JSON
import Protobuf
import TraceStore

/// Attributes that a span gets when it leaves.
enum SpanAdditions {
  static let rolloutKey = "agentlightning.rollout_id"
  static let attemptKey = "agentlightning.attempt_id"
  static let sequenceKey = "agentlightning.span_sequence_id"
  /// The ids of spans of Agent Lightning's JSON that OTLP could not carry.
  static let traceIDKey = "agentlightning.trace_id"
  static let spanIDKey = "agentlightning.span_id"
  static let parentIDKey = "agentlightning.parent_id"

  /// `repeated KeyValue attributes = 9`: fields that are put behind those of the span.
  static func fields(
    of span: ForwardSpan, _ survey: SpanSurvey, _ bytes: Span<UInt8>, addsRollout: Bool
  ) -> [UInt8] {
    var writer = ProtobufWriter()
    if addsRollout {
      if let rollout = span.attempt.rolloutID, !survey.hasRollout { writer.attribute(rolloutKey, rollout) }
      if let attempt = span.attempt.attemptID, !survey.hasAttempt { writer.attribute(attemptKey, attempt) }
      if let sequence = span.sequence, span.attempt.rolloutID != nil, !survey.hasSequence {
        writer.attribute(sequenceKey, sequence)
      }
    }
    if !survey.answer.isEmpty, let ids = ClientIDText(bytes, at: survey.answer) {
      if ids.traceID != bytes.hexadecimal(survey.traceID) { writer.attribute(traceIDKey, ids.traceID) }
      if ids.spanID != bytes.hexadecimal(survey.spanID) { writer.attribute(spanIDKey, ids.spanID) }
      if let parent = ids.parentID, !survey.parentID.isEmpty, parent != bytes.hexadecimal(survey.parentID) {
        writer.attribute(parentIDKey, parent)
      }
    }
    return writer.bytes
  }
}

/// The ids of a span as a client of Agent Lightning's JSON has written them.
struct ClientIDText {
  let traceID: String
  let spanID: String
  let parentID: String?

  /// Reads them from the field `answer` of a span, which begins with them: `"trace_id":"...","span_id":...`.
  init?(_ bytes: Span<UInt8>, at answer: Range<Int>) {
    guard let end = Self.find(",\"name\":", bytes, answer) else { return nil }
    var text = [UInt8(ascii: "{")]
    for index in answer.lowerBound..<end { text.append(bytes[index]) }
    text.append(UInt8(ascii: "}"))
    guard let document = try? JSONDocument(parsing: text),
      let trace = document.member(JSONDocument.root, "trace_id"), document.isString(trace),
      let span = document.member(JSONDocument.root, "span_id"), document.isString(span)
    else { return nil }
    traceID = document.string(trace)
    spanID = document.string(span)
    let parent = document.member(JSONDocument.root, "parent_id")
    parentID = parent.flatMap { document.isString($0) ? document.string($0) : nil }
  }

  /// Where a text begins; inside a string its quotation marks would be escaped.
  private static func find(_ text: StaticString, _ bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
    let count = text.utf8CodeUnitCount
    guard range.count >= count else { return nil }
    let wanted = Array("\(text)".utf8)
    for start in range.lowerBound...(range.upperBound - count)
    where wanted.indices.allSatisfy({ bytes[start + $0] == wanted[$0] }) {
      return start
    }
    return nil
  }
}

extension ProtobufWriter {
  /// `KeyValue`: `string key = 1`, `AnyValue value = 2`; `AnyValue`: `string string_value = 1`, `int64 int_value = 3`.
  fileprivate mutating func attribute(_ key: String, _ write: (inout ProtobufWriter) -> Void) {
    let attribute = beginMessage(9)
    stringField(1, key)
    let value = beginMessage(2)
    write(&self)
    endMessage(value)
    endMessage(attribute)
  }

  fileprivate mutating func attribute(_ key: String, _ text: String) { attribute(key) { $0.stringField(1, text) } }

  fileprivate mutating func attribute(_ key: String, _ number: Int64) {
    attribute(key) { $0.varintField(3, UInt64(bitPattern: number)) }
  }
}

extension Span where Element == UInt8 {
  /// The lower-case digits of an id.
  fileprivate func hexadecimal(_ range: Range<Int>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    var text: [UInt8] = []
    for index in range {
      text.append(digits[Int(self[index] >> 4)])
      text.append(digits[Int(self[index] & 15)])
    }
    return String(decoding: text, as: UTF8.self)
  }
}
