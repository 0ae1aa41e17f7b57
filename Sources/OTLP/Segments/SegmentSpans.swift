package import Protobuf
package import Telemetry

/// A span of a segment with its ids, and where it lies.
package struct ListedSpan: Sendable {
  /// The `ResourceSpans` message around it.
  package var resourceSpans: Range<Int>
  /// The `ScopeSpans` message around it.
  package var scopeSpans: Range<Int>
  /// The `Span` message.
  package var span: Range<Int>
  package var traceID: TraceID
  package var spanID: SpanID
}

/// Lists all spans of a segment, in the order in which they lie there.
package enum SegmentSpans {
  /// - Returns: The spans that have ids; others were never stored.
  package static func list(_ bytes: Span<UInt8>) throws(ProtobufError) -> [ListedSpan] {
    var found: [ListedSpan] = []
    var resources = ProtobufReader(bytes)
    while let resourceSpans = try resources.nextOccurrence(of: 1) {
      var scopes = ProtobufReader(bytes, at: resourceSpans)
      while let scopeSpans = try scopes.nextOccurrence(of: 2) {
        var spans = ProtobufReader(bytes, at: scopeSpans)
        while let span = try spans.nextOccurrence(of: 2) {
          guard let (traceID, spanID) = try ids(of: span, bytes) else { continue }
          found.append(
            ListedSpan(
              resourceSpans: resourceSpans, scopeSpans: scopeSpans, span: span, traceID: traceID, spanID: spanID))
        }
      }
    }
    return found
  }

  /// `bytes trace_id = 1`, `bytes span_id = 2`; the last of each counts, and most messages begin with them.
  private static func ids(of span: Range<Int>, _ bytes: Span<UInt8>) throws(ProtobufError) -> (TraceID, SpanID)? {
    var traceID: TraceID?
    var spanID: SpanID?
    var reader = ProtobufReader(bytes, at: span)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1): traceID = TraceID(bytes, at: try reader.lengthDelimited())
      case .lengthDelimited(2): spanID = SpanID(bytes, at: try reader.lengthDelimited())
      default: try reader.skip(tag)
      }
    }
    guard let traceID, let spanID else { return nil }
    return (traceID, spanID)
  }
}
