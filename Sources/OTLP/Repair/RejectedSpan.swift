/// A span that was left out of a request because its ids cannot identify it.
package struct RejectedSpan: Hashable, Sendable {
  /// Which of the ids is at fault.
  package enum Reason: Hashable, Sendable, CustomStringConvertible {
    /// `trace_id` is not 16 bytes, or all zero.
    case invalidTraceID
    /// `span_id` is not 8 bytes, or all zero.
    case invalidSpanID
    /// `parent_span_id` is neither 8 bytes nor empty.
    case invalidParentSpanID

    /// The reason in words, for `partial_success`.
    package var description: String {
      switch self {
      case .invalidTraceID: "trace_id is not 16 bytes or all zero"
      case .invalidSpanID: "span_id is not 8 bytes or all zero"
      case .invalidParentSpanID: "parent_span_id is not 8 bytes"
      }
    }
  }

  /// The place among all spans of the request as it came, from 0.
  package let index: Int
  /// Why it was left out.
  package let reason: Reason
  /// The rollout that it names, itself or by its resource, when that is a text.
  package let rolloutID: String?
}
