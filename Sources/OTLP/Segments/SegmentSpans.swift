package import Protobuf
package import Telemetry

/// Walks through all spans of a segment.
package enum SegmentSpans {
  /// Shows where each `Span` message starts, and its ids.
  ///
  /// Spans whose ids are not of the usual length are left out: nobody stores them.
  package static func forEach(in bytes: Span<UInt8>, _ body: (Int, TraceID, SpanID) -> Void) throws(ProtobufError) {
    var request = ProtobufReader(bytes)
    while let resourceSpans = try request.nextOccurrence(of: 1) {
      var resource = ProtobufReader(bytes, at: resourceSpans)
      while let scopeSpans = try resource.nextOccurrence(of: 2) {
        var scope = ProtobufReader(bytes, at: scopeSpans)
        while let span = try scope.nextOccurrence(of: 2) {
          let (traceID, spanID) = try ids(bytes, span)
          if let traceID, let spanID { body(span.lowerBound, traceID, spanID) }
        }
      }
    }
  }

  private static func ids(_ bytes: Span<UInt8>, _ span: Range<Int>) throws(ProtobufError) -> (TraceID?, SpanID?) {
    var traceID: TraceID?
    var spanID: SpanID?
    var reader = ProtobufReader(bytes, at: span)
    while let tag = try reader.nextTag() {
      switch tag {
      case .lengthDelimited(1):
        let range = try reader.lengthDelimited()
        traceID =
          range.count == 16 ? TraceID(high: word(bytes, range.lowerBound), low: word(bytes, range.lowerBound + 8)) : nil
      case .lengthDelimited(2):
        let range = try reader.lengthDelimited()
        spanID = range.count == 8 ? SpanID(value: word(bytes, range.lowerBound)) : nil
      default: try reader.skip(tag)
      }
    }
    return (traceID, spanID)
  }

  private static func word(_ bytes: Span<UInt8>, _ start: Int) -> UInt64 {
    var word: UInt64 = 0
    for index in start..<start + 8 { word = word << 8 | UInt64(bytes[index]) }
    return word
  }
}
