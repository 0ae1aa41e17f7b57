import JSON
import Telemetry
import TraceStore

/// Traces as OTLP/JSON, in the envelope of Jaeger's newer interface.
///
/// Spans are as they were sent, but for the attributes that say where they belong.
struct OTLPTraceFormat: TraceFormat {
  private static let capacity = SpanPieces<TraceRenderer>.pieceSize + 64 << 10

  private var spans: ResourceSpansWriter
  private let warning: String?

  /// - Parameter warning: Stands beside the result.
  init(warning: String? = nil) {
    self.warning = warning
    var writer = JSONWriter(reservingCapacity: Self.capacity)
    writer.tokens("{\"result\":{")
    spans = ResourceSpansWriter(writer)
  }

  var byteCount: Int { spans.writer.bytes.count }

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    spans.writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  mutating func beginTrace(_ traceID: TraceID) {}

  mutating func append(_ view: SpanView, _ bytes: Span<UInt8>, _ location: SpanLocation) {
    let missing = RolloutTags.missing(view, in: bytes, at: location.span)
    var attributes = JSONWriter()
    if let id = missing.rolloutID { Self.attribute(RolloutKey.rollout, id, &attributes) }
    if let id = missing.attemptID { Self.attribute(RolloutKey.attempt, id, &attributes) }
    if let number = missing.sequence {
      Self.begin(RolloutKey.sequence, &attributes)
      attributes.tokens("{\"intValue\":")
      attributes.integerString(number)
      attributes.continuation("}}")
    }
    spans.append(bytes, location, adding: attributes.bytes)
  }

  private static func attribute(_ key: StaticString, _ value: String, _ writer: inout JSONWriter) {
    begin(key, &writer)
    writer.tokens("{\"stringValue\":")
    writer.string(value)
    writer.continuation("}}")
  }

  private static func begin(_ key: StaticString, _ writer: inout JSONWriter) {
    writer.tokens("{\"key\":\"")
    writer.continuation(key)
    writer.continuation("\",\"value\":")
  }

  mutating func endTrace(omitted: Int) {}

  mutating func finish(missing: [TraceID]) {
    spans.close()
    spans.writer.endObject()
    if let warning {
      spans.writer.key("warning")
      spans.writer.string(warning)
    }
    spans.writer.endObject()
  }
}
