import OTLP
import Protobuf

/// What has to be known of a `Span` message before it leaves.
struct SpanSurvey {
  /// The field that is not OTLP's, with its tag; see `AnswerField`.
  private(set) var answerField: Range<Int>?
  private(set) var answer = 0..<0
  private(set) var traceID = 0..<0
  private(set) var spanID = 0..<0
  private(set) var parentID = 0..<0
  /// Which of the attributes that ``SpanAdditions`` may add the span has.
  private(set) var hasRollout = false
  private(set) var hasAttempt = false
  private(set) var hasSequence = false

  init(_ bytes: Span<UInt8>, at range: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    var start = reader.position
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): traceID = try reader.lengthDelimited()
      case .lengthDelimited(2): spanID = try reader.lengthDelimited()
      case .lengthDelimited(4): parentID = try reader.lengthDelimited()
      case .lengthDelimited(9): try look(bytes, at: try reader.lengthDelimited())
      case .lengthDelimited(AnswerField.number):
        answer = try reader.lengthDelimited()
        answerField = start..<reader.position
      default: try reader.skip(tag)
      }
      start = reader.position
    }
  }

  private mutating func look(_ bytes: Span<UInt8>, at attribute: Range<Int>) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: attribute)
    guard let key = try reader.nextOccurrence(of: 1) else { return }
    switch key.count {
    case SpanAdditions.rolloutKey.utf8.count:
      if bytes.says(SpanAdditions.rolloutKey, at: key) { hasRollout = true }
      if bytes.says(SpanAdditions.attemptKey, at: key) { hasAttempt = true }
    case SpanAdditions.sequenceKey.utf8.count:
      if bytes.says(SpanAdditions.sequenceKey, at: key) { hasSequence = true }
    default: break
    }
  }
}

extension Span where Element == UInt8 {
  /// Whether a range holds a text.
  fileprivate func says(_ text: String, at range: Range<Int>) -> Bool {
    guard range.count == text.utf8.count else { return false }
    var offset = range.lowerBound
    for byte in text.utf8 {
      guard self[offset] == byte else { return false }
      offset += 1
    }
    return true
  }
}
