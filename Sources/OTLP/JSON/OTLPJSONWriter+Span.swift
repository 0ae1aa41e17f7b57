import JSON
import Protobuf

extension OTLPJSONWriter {
  static func writeSpan(
    _ bytes: Span<UInt8>, _ span: SpanFields, adding attributes: [UInt8] = [], to writer: inout JSONWriter
  ) throws(ProtobufError) {
    writer.beginObject()
    writeIdentifier("traceId", bytes, span.traceID, to: &writer)
    writeIdentifier("spanId", bytes, span.spanID, to: &writer)
    writeString("traceState", bytes, span.traceState, to: &writer)
    writeIdentifier("parentSpanId", bytes, span.parentSpanID, to: &writer)
    writeString("name", bytes, span.name, to: &writer)
    writeNumber("kind", Int64(span.kind), to: &writer)
    writeTime("startTimeUnixNano", span.startTime, to: &writer)
    writeTime("endTimeUnixNano", span.endTime, to: &writer)
    try writeAttributes(bytes, span.attributes, field: 9, adding: attributes, to: &writer)
    writeNumber("droppedAttributesCount", Int64(span.droppedAttributesCount), to: &writer)
    try writeEvents(bytes, span.events, to: &writer)
    writeNumber("droppedEventsCount", Int64(span.droppedEventsCount), to: &writer)
    try writeLinks(bytes, span.links, to: &writer)
    writeNumber("droppedLinksCount", Int64(span.droppedLinksCount), to: &writer)
    if span.hasStatus {
      writer.key("status")
      writer.beginObject()
      writeString("message", bytes, span.statusMessage, to: &writer)
      writeNumber("code", Int64(span.statusCode), to: &writer)
      writer.endObject()
    }
    writeNumber("flags", Int64(span.flags), to: &writer)
    writer.endObject()
  }

  private static func writeEvents(_ bytes: Span<UInt8>, _ events: RepeatedField, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard events.count > 0 else { return }
    writer.key("events")
    writer.beginArray()
    var reader = ProtobufReader(bytes, at: events.extent)
    while let range = try reader.nextOccurrence(of: 11) {
      let event = try EventFields(bytes, at: range)
      writer.beginObject()
      writeTime("timeUnixNano", event.time, to: &writer)
      writeString("name", bytes, event.name, to: &writer)
      try writeAttributes(bytes, event.attributes, field: 3, to: &writer)
      writeNumber("droppedAttributesCount", Int64(event.droppedAttributesCount), to: &writer)
      writer.endObject()
    }
    writer.endArray()
  }

  private static func writeLinks(_ bytes: Span<UInt8>, _ links: RepeatedField, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard links.count > 0 else { return }
    writer.key("links")
    writer.beginArray()
    var reader = ProtobufReader(bytes, at: links.extent)
    while let range = try reader.nextOccurrence(of: 13) {
      let link = try LinkFields(bytes, at: range)
      writer.beginObject()
      writeIdentifier("traceId", bytes, link.traceID, to: &writer)
      writeIdentifier("spanId", bytes, link.spanID, to: &writer)
      writeString("traceState", bytes, link.traceState, to: &writer)
      try writeAttributes(bytes, link.attributes, field: 4, to: &writer)
      writeNumber("droppedAttributesCount", Int64(link.droppedAttributesCount), to: &writer)
      writeNumber("flags", Int64(link.flags), to: &writer)
      writer.endObject()
    }
    writer.endArray()
  }
}
