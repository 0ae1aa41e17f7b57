package import Telemetry

/// Decides from their bytes which spans of the log are wanted.
///
/// It is shown the log from the newest segment to the oldest, and each segment from its start: a resource, a scope of it,
/// spans of that, and so on. Malformed messages are wanted by nobody.
package protocol SpanFilter: Sendable {
  /// Whether a segment can have a span that is wanted, at a glance.
  func canMatch(in bytes: Span<UInt8>) -> Bool

  /// Whether spans of a `ResourceSpans` message can be wanted.
  mutating func enterResource(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool

  /// Whether spans of a `ScopeSpans` message can be wanted.
  mutating func enterScope(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool

  /// The ids of a `Span` message, if it is wanted as far as its bytes tell.
  mutating func match(_ bytes: Span<UInt8>, at range: Range<Int>) -> SpanIdentity?

  /// Takes a span that matched and is still stored.
  ///
  /// - Returns: Whether more spans are wanted.
  mutating func take(_ hit: SpanHit) -> Bool
}

/// The ids of a span.
package struct SpanIdentity: Hashable, Sendable {
  package var traceID: TraceID
  package var spanID: SpanID

  package init(traceID: TraceID, spanID: SpanID) {
    self.traceID = traceID
    self.spanID = spanID
  }
}

/// A span that was found in the log, and where it belongs.
package struct SpanHit: Sendable {
  package var traceID: TraceID
  package var attempt: SpanAttempt
  package var sequence: Int64?

  package init(traceID: TraceID, attempt: SpanAttempt, sequence: Int64?) {
    self.traceID = traceID
    self.attempt = attempt
    self.sequence = sequence
  }
}
