/// The key of a span in the index.
struct SpanKey: Hashable {
  /// The row of the trace.
  var trace: Int64
  /// A bit pattern.
  var spanID: Int64
  var variant: Int64
}
