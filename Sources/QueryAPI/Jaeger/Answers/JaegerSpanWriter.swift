import JSON
import OTLP
import Protobuf
import Telemetry
import TraceStore

/// Writes spans as Jaeger shows them.
///
/// What OTLP has and Jaeger has not becomes tags, as in the translation of the
/// [Collector](https://github.com/open-telemetry/opentelemetry-collector-contrib/tree/main/pkg/translator/jaeger).
enum JaegerSpanWriter {
  /// Appends a `Span` message as an object.
  ///
  /// - Parameter process: The number of its resource in the trace.
  static func append(
    _ bytes: Span<UInt8>, _ range: Range<Int>, _ scope: ScopeFields, _ view: SpanView, process: Int,
    to writer: inout JSONWriter
  ) throws(ProtobufError) {
    let span = try SpanFields(bytes, at: range)
    writer.tokens("{\"traceID\":")
    traceID(bytes, span.traceID, to: &writer)
    writer.key("spanID")
    if let id = view.adjustment?.spanID {
      writer.string(id.description)
    } else {
      writer.hexadecimal(bytes, at: span.spanID)
    }
    if span.flags & 0xFF != 0 {
      writer.key("flags")
      writer.integer(Int64(span.flags & 0xFF))
    }
    writer.key("operationName")
    if span.name.isEmpty {
      writer.string(SpanName.emptyText.description)
    } else {
      writer.string(bytes, at: span.name)
    }
    try references(bytes, span, view, to: &writer)
    writer.key("startTime")
    writer.unsigned(span.startTime / 1_000)
    let isNegative = span.endTime < span.startTime
    writer.key("duration")
    writer.unsigned(isNegative ? 0 : (span.endTime - span.startTime) / 1_000)
    try tags(bytes, span, scope, view, to: &writer)
    try logs(bytes, span, to: &writer)
    writer.tokens("\"processID\":\"p")
    writer.bytes.append(contentsOf: String(process).utf8)
    writer.continuation("\",\"warnings\":")
    if isNegative {
      writer.tokens("[\"the span ends before it starts: shown as 1ns\"]")
    } else {
      writer.null()
    }
    writer.endObject()
  }

  /// Ids of 64 bits have 16 digits.
  private static func traceID(_ bytes: Span<UInt8>, _ range: Range<Int>, to writer: inout JSONWriter) {
    let isShort = range.count == 16 && range.prefix(8).allSatisfy { bytes[$0] == 0 }
    writer.hexadecimal(bytes, at: isShort ? range.lowerBound + 8..<range.upperBound : range)
  }

  private static func references(
    _ bytes: Span<UInt8>, _ span: SpanFields, _ view: SpanView, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    writer.key("references")
    writer.beginArray()
    if let adjustment = view.adjustment {
      if let parent = adjustment.parentID {
        writer.tokens("{\"refType\":\"CHILD_OF\",\"traceID\":")
        traceID(bytes, span.traceID, to: &writer)
        writer.key("spanID")
        writer.string(parent.description)
        writer.endObject()
      }
    } else if !span.parentSpanID.isEmpty {
      writer.tokens("{\"refType\":\"CHILD_OF\",\"traceID\":")
      reference(bytes, span.traceID, span.parentSpanID, to: &writer)
    }
    if span.links.count > 0 {
      var reader = ProtobufReader(bytes, at: span.links.extent)
      while let range = try reader.nextOccurrence(of: 13) {
        let link = try LinkFields(bytes, at: range)
        writer.tokens("{\"refType\":\"FOLLOWS_FROM\",\"traceID\":")
        reference(bytes, link.traceID, link.spanID, to: &writer)
      }
    }
    writer.endArray()
  }

  private static func reference(
    _ bytes: Span<UInt8>, _ trace: Range<Int>, _ span: Range<Int>, to writer: inout JSONWriter
  ) {
    traceID(bytes, trace, to: &writer)
    writer.key("spanID")
    writer.hexadecimal(bytes, at: span)
    writer.endObject()
  }

  private static func logs(_ bytes: Span<UInt8>, _ span: SpanFields, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    writer.key("logs")
    writer.beginArray()
    if span.events.count > 0 {
      var reader = ProtobufReader(bytes, at: span.events.extent)
      while let range = try reader.nextOccurrence(of: 11) { try log(bytes, range, to: &writer) }
    }
    writer.endArray()
  }

  private static func log(_ bytes: Span<UInt8>, _ range: Range<Int>, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    let event = try EventFields(bytes, at: range)
    writer.tokens("{\"timestamp\":")
    writer.unsigned(event.time / 1_000)
    writer.tokens("\"fields\":[")
    // An attribute of this name takes the place of the event's.
    if !event.name.isEmpty, try !hasKey("event", bytes, event.attributes, field: 3) {
      JaegerTagWriter.tag("event", bytes, event.name, to: &writer)
    }
    try attributes(bytes, event.attributes, field: 3, to: &writer)
    writer.continuation("]}")
  }

  static func attributes(
    _ bytes: Span<UInt8>, _ attributes: RepeatedField, field: UInt32, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    guard attributes.count > 0 else { return }
    var reader = ProtobufReader(bytes, at: attributes.extent)
    while let range = try reader.nextOccurrence(of: field) {
      try JaegerTagWriter.tag(bytes, at: range, to: &writer)
    }
  }

  static func hasKey(
    _ key: StaticString, _ bytes: Span<UInt8>, _ attributes: RepeatedField, field: UInt32
  ) throws(ProtobufError) -> Bool {
    guard attributes.count > 0 else { return false }
    var reader = ProtobufReader(bytes, at: attributes.extent)
    while let range = try reader.nextOccurrence(of: field) {
      if bytes.equals(key, at: try KeyValueFields(bytes, at: range).key) { return true }
    }
    return false
  }
}
