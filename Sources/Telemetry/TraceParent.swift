/// The value of a `traceparent` header: a trace and one of its spans.
///
/// [Trace context, traceparent](https://www.w3.org/TR/trace-context/#traceparent-header)
package struct TraceParent: Hashable, Sendable {
  package var traceID: TraceID
  package var spanID: SpanID

  /// Reads `version-trace_id-parent_id-flags`, of later versions the part that version 00 has.
  ///
  /// - Returns: `nil` for text that is none; version ff is not valid.
  package init?(_ text: String) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count >= 4, parts[0].utf8.count == 2, parts[0].lowercased() != "ff",
      let version = UInt64(hexDigits: parts[0].utf8), version > 0 || parts.count == 4,
      parts[3].utf8.count == 2, UInt64(hexDigits: parts[3].utf8) != nil,
      let traceID = TraceID(hex: String(parts[1])), let spanID = SpanID(hex: String(parts[2]))
    else { return nil }
    self.traceID = traceID
    self.spanID = spanID
  }
}

extension TraceID {
  /// Reads a trace id as people have it: 32 hexadecimal digits, or the `traceparent` of one of its spans.
  package init?(hexOrTraceParent text: String) {
    guard let id = TraceID(hex: text) ?? TraceParent(text)?.traceID else { return nil }
    self = id
  }
}
