import JSON
import OTLP
import Protobuf
import Telemetry
import TraceStore

/// Renders spans as lines of JSON: what the index knows, and the span itself as OTLP/JSON.
struct SpanLineRenderer: SpanRenderer {
  private static let capacity = SpanPieces<Self>.pieceSize + 64 << 10

  private var writer = JSONWriter()

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    writer.takePiece(isLast: isLast, reservingCapacity: Self.capacity)
  }

  mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int {
    var line = JSONWriter()
    line.beginObject()
    line.key("arrival")
    line.integer(row.arrival)
    line.key("rolloutId")
    Self.string(row.rolloutID, &line)
    line.key("attemptId")
    Self.string(row.attemptID, &line)
    line.key("sequenceId")
    if let sequence = row.sequence { line.integer(sequence) } else { line.null() }
    line.key("rule")
    line.string(row.rule.name)
    do throws(ProtobufError) {
      line.key("resource")
      try OTLPJSONWriter.appendResource(bytes, at: location.resourceSpans, to: &line)
      try Self.schemaURL("resourceSchemaUrl", bytes, location.resourceSpans, &line)
      line.key("scope")
      try OTLPJSONWriter.appendScope(bytes, at: location.scopeSpans, to: &line)
      try Self.schemaURL("scopeSchemaUrl", bytes, location.scopeSpans, &line)
      line.key("span")
      try OTLPJSONWriter.appendSpan(bytes, at: location.span, to: &line)
    } catch {
      // What was stored was read by the scanner before; a segment's checksum would have told of damage.
      return writer.bytes.count
    }
    line.endObject()
    writer.bytes += line.bytes
    writer.bytes.append(UInt8(ascii: "\n"))
    return writer.bytes.count
  }

  /// The schema of a `ResourceSpans` or `ScopeSpans` message, when it names one.
  private static func schemaURL(_ key: String, _ bytes: Span<UInt8>, _ range: Range<Int>, _ writer: inout JSONWriter)
    throws(ProtobufError)
  {
    let url = try EnvelopeFields(bytes, at: range).schemaURL
    guard !url.isEmpty else { return }
    writer.key(key)
    writer.string(bytes, at: url)
  }

  private static func string(_ text: String?, _ writer: inout JSONWriter) {
    if let text { writer.string(text) } else { writer.null() }
  }

  mutating func finish() {}
}
