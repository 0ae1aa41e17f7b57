import JSON
import Protobuf

extension OTLPJSONWriter {
  static func writeResource(_ bytes: Span<UInt8>, _ parts: MessageParts?, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    writer.beginObject()
    if let parts {
      try writeAttributes(bytes, in: parts, field: 1, to: &writer)
      let dropped = try parts.lastNumber(.varint(2), in: bytes)
      writeNumber("droppedAttributesCount", Int64(UInt32(truncatingIfNeeded: dropped)), to: &writer)
      try writeList("entityRefs", bytes, in: parts, field: 3, to: &writer) { range, writer throws(ProtobufError) in
        try writeEntityReference(bytes, MessageParts(range), to: &writer)
      }
    }
    writer.endObject()
  }

  static func writeScope(_ bytes: Span<UInt8>, _ parts: MessageParts?, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    writer.beginObject()
    if let parts {
      writeString("name", bytes, try parts.lastValue(1, in: bytes), to: &writer)
      writeString("version", bytes, try parts.lastValue(2, in: bytes), to: &writer)
      try writeAttributes(bytes, in: parts, field: 3, to: &writer)
      let dropped = try parts.lastNumber(.varint(4), in: bytes)
      writeNumber("droppedAttributesCount", Int64(UInt32(truncatingIfNeeded: dropped)), to: &writer)
    }
    writer.endObject()
  }

  private static func writeEntityReference(_ bytes: Span<UInt8>, _ parts: MessageParts, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    writer.beginObject()
    writeString("schemaUrl", bytes, try parts.lastValue(1, in: bytes), to: &writer)
    writeString("type", bytes, try parts.lastValue(2, in: bytes), to: &writer)
    try writeList("idKeys", bytes, in: parts, field: 3, to: &writer) { $1.string(bytes, at: $0) }
    try writeList("descriptionKeys", bytes, in: parts, field: 4, to: &writer) { $1.string(bytes, at: $0) }
    writer.endObject()
  }

  /// Writes the member `attributes` of a message that may have come in several parts.
  private static func writeAttributes(
    _ bytes: Span<UInt8>, in parts: MessageParts, field: UInt32, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    guard try parts.count(of: field, in: bytes) > 0 else { return }
    writer.key("attributes")
    writer.beginArray()
    for index in 0..<parts.count {
      try writeKeyValues(bytes, at: parts[index], field: field, depth: 1, to: &writer)
    }
    writer.endArray()
  }

  private static func writeList(
    _ name: StaticString, _ bytes: Span<UInt8>, in parts: MessageParts, field: UInt32, to writer: inout JSONWriter,
    element: (Range<Int>, inout JSONWriter) throws(ProtobufError) -> Void
  ) throws(ProtobufError) {
    guard try parts.count(of: field, in: bytes) > 0 else { return }
    writer.key(name)
    writer.beginArray()
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let range = try reader.nextOccurrence(of: field) { try element(range, &writer) }
    }
    writer.endArray()
  }
}
