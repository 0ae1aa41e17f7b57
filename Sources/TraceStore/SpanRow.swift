package import Telemetry

/// What the index knows of a stored span.
package struct SpanRow: Sendable {
  /// The number of its arrival; unique, ascending, never changed.
  package var arrival: Int64
  package var traceID: TraceID
  package var spanID: SpanID
  /// 0, or a higher number for a different span under the same ids.
  package var variant: Int64
  /// `nil` for a root.
  package var parentID: SpanID?
  package var rolloutID: String?
  package var attemptID: String?
  /// The number in the rollout; `nil` for a span without one.
  package var sequence: Int64?
  package var rule: TagRule
  package var name: String
  package var kind: Int32
  package var statusCode: Int32
  /// Nanoseconds since 1970; 0 = unknown.
  package var startTime: UInt64
  /// Nanoseconds since 1970; 0 = unknown.
  package var endTime: UInt64
  /// Where its bytes lie; means something to the engine alone.
  package var segment: Int64
  package var offset: Int

  package init(
    arrival: Int64, traceID: TraceID, spanID: SpanID, variant: Int64, parentID: SpanID?, rolloutID: String?,
    attemptID: String?, sequence: Int64?, rule: TagRule, name: String, kind: Int32, statusCode: Int32,
    startTime: UInt64, endTime: UInt64, segment: Int64, offset: Int
  ) {
    self.arrival = arrival
    self.traceID = traceID
    self.spanID = spanID
    self.variant = variant
    self.parentID = parentID
    self.rolloutID = rolloutID
    self.attemptID = attemptID
    self.sequence = sequence
    self.rule = rule
    self.name = name
    self.kind = kind
    self.statusCode = statusCode
    self.startTime = startTime
    self.endTime = endTime
    self.segment = segment
    self.offset = offset
  }
}

/// Where a span lies in the bytes of its segment.
package struct SpanLocation: Sendable {
  /// The `ResourceSpans` message around it.
  package var resourceSpans: Range<Int>
  /// The `ScopeSpans` message around it.
  package var scopeSpans: Range<Int>
  /// The `Span` message.
  package var span: Range<Int>
  /// The segment; with the start of `scopeSpans` it tells whether two spans share their resource and scope.
  package var segment: Int64

  package init(resourceSpans: Range<Int>, scopeSpans: Range<Int>, span: Range<Int>, segment: Int64) {
    self.resourceSpans = resourceSpans
    self.scopeSpans = scopeSpans
    self.span = span
    self.segment = segment
  }
}
