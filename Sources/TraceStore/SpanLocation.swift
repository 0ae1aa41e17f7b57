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
