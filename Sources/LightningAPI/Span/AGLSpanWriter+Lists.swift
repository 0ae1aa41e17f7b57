import JSON
import OTLP
import Protobuf

extension AGLSpanWriter {
  mutating func writeEvents(_ bytes: Span<UInt8>, _ events: RepeatedField, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard events.count > 0 else { return writer.tokens("\"events\":[]") }
    writer.tokens("\"events\":[")
    var reader = ProtobufReader(bytes, at: events.extent)
    while let range = try reader.nextOccurrence(of: 11) {
      let event = try EventFields(bytes, at: range)
      writer.tokens("{\"name\":")
      writer.string(bytes, at: event.name)
      writer.tokens("\"attributes\":")
      try attributes.write(bytes, event.attributes, field: 3, to: &writer)
      writer.tokens("\"timestamp\":")
      writer.seconds(event.time)
      writer.count("dropped_attributes_count", event.droppedAttributesCount)
      writer.endObject()
    }
    writer.endArray()
  }

  mutating func writeLinks(_ bytes: Span<UInt8>, _ links: RepeatedField, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard links.count > 0 else { return writer.tokens("\"links\":[]") }
    writer.tokens("\"links\":[")
    var reader = ProtobufReader(bytes, at: links.extent)
    while let range = try reader.nextOccurrence(of: 13) {
      let link = try LinkFields(bytes, at: range)
      writer.tokens("{\"context\":")
      writeContext(bytes, traceID: link.traceID, spanID: link.spanID, to: &writer)
      writer.tokens("\"attributes\":")
      if link.attributes.count == 0 {
        writer.null()
      } else {
        try attributes.write(bytes, link.attributes, field: 4, to: &writer)
      }
      writer.text("trace_state", bytes, at: link.traceState)
      writer.count("flags", link.flags)
      writer.count("dropped_attributes_count", link.droppedAttributesCount)
      writer.endObject()
    }
    writer.endArray()
  }
}
