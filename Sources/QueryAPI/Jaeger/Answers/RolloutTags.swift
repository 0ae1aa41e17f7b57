import OTLP
import Protobuf
import TraceStore

/// Where a span belongs, as far as it does not say so itself.
enum RolloutTags {
  /// What of a view's rollout, attempt and number is to be added to the span's own attributes.
  ///
  /// An attribute of the span that says something else stays: it is what the sender wrote.
  static func missing(_ view: SpanView, in bytes: Span<UInt8>, at range: Range<Int>) -> SpanView {
    guard view.rolloutID != nil || view.attemptID != nil, let span = try? SpanFields(bytes, at: range) else {
      return view
    }
    return missing(view, in: bytes, span.attributes)
  }

  static func missing(_ view: SpanView, in bytes: Span<UInt8>, _ attributes: RepeatedField) -> SpanView {
    var view = view
    if let id = view.rolloutID, has(RolloutKey.rollout, id, bytes, attributes) { view.rolloutID = nil }
    if let id = view.attemptID, has(RolloutKey.attempt, id, bytes, attributes) { view.attemptID = nil }
    if let number = view.sequence, has(RolloutKey.sequence, String(number), bytes, attributes) { view.sequence = nil }
    return view
  }

  private static func has(
    _ key: StaticString, _ value: String, _ bytes: Span<UInt8>, _ attributes: RepeatedField
  ) -> Bool {
    guard attributes.count > 0 else { return false }
    let condition = TagCondition(key.description, value)
    var reader = ProtobufReader(bytes, at: attributes.extent)
    do throws(ProtobufError) {
      while let attribute = try reader.nextOccurrence(of: 9) {
        if try condition.holds(for: bytes, at: attribute) { return true }
      }
    } catch {
      return false
    }
    return false
  }
}
