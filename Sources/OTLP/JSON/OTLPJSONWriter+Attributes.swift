import JSON
import Protobuf

extension OTLPJSONWriter {
  /// Writes the member `attributes` unless there are none.
  ///
  /// - Parameters:
  ///   - attributes: Where the `KeyValue` messages lie.
  ///   - field: The number of the field in the message that holds them.
  ///   - more: Further elements, in JSON.
  static func writeAttributes(
    _ bytes: Span<UInt8>, _ attributes: RepeatedField, field: UInt32, adding more: [UInt8] = [],
    to writer: inout JSONWriter
  ) throws(ProtobufError) {
    guard attributes.count > 0 || !more.isEmpty else { return }
    writer.key("attributes")
    writer.beginArray()
    try writeKeyValues(bytes, at: attributes.extent, field: field, depth: 1, to: &writer)
    if !more.isEmpty { writer.json(more.span) }
    writer.endArray()
  }

  static func writeKeyValues(
    _ bytes: Span<UInt8>, at range: Range<Int>, field: UInt32, depth: Int, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    var reader = ProtobufReader(bytes, at: range)
    while let range = try reader.nextOccurrence(of: field) {
      if let plain = PlainAttribute(bytes, at: range), !plain.key.isEmpty, depth <= OTLPMessage.maximumValueDepth {
        if let text = plain.text {
          writer.strings("{\"key\":", plain.key, ",\"value\":{\"stringValue\":", text, "}}", in: bytes)
        } else {
          writer.tokens("{\"key\":")
          writer.string(bytes, at: plain.key)
          writer.tokens("\"value\":")
          try writeAnyValue(bytes, MessageParts(plain.value), depth: depth, to: &writer)
          writer.endObject()
        }
        continue
      }
      let attribute = try KeyValueFields(bytes, at: range)
      if attribute.key.isEmpty {
        writer.beginObject()
      } else {
        writer.tokens("{\"key\":")
        writer.string(bytes, at: attribute.key)
      }
      if let value = attribute.value {
        writer.tokens("\"value\":")
        try writeAnyValue(bytes, value, depth: depth, to: &writer)
      }
      writer.endObject()
    }
  }

  private static func writeAnyValue(
    _ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    guard depth <= OTLPMessage.maximumValueDepth else { throw .tooDeep }
    switch try AnyValueFields(bytes, at: parts) {
    case .empty: writer.beginObject()
    case .string(let range):
      writer.tokens("{\"stringValue\":")
      writer.string(bytes, at: range)
    case .bool(let value): writer.tokens(value ? "{\"boolValue\":true" : "{\"boolValue\":false")
    case .int(let value):
      writer.tokens("{\"intValue\":")
      writer.integerString(value)
    case .double(let value):
      writer.tokens("{\"doubleValue\":")
      writer.double(value)
    case .array(let parts):
      writer.tokens("{\"arrayValue\":{")
      try writeElements(bytes, parts, depth: depth, to: &writer)
      writer.endObject()
    case .keyValueList(let parts):
      writer.tokens("{\"kvlistValue\":{")
      try writeMembers(bytes, parts, depth: depth, to: &writer)
      writer.endObject()
    case .bytes(let range):
      writer.tokens("{\"bytesValue\":")
      writer.base64(bytes, at: range)
    }
    writer.endObject()
  }

  private static func writeElements(
    _ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    var isEmpty = true
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let range = try reader.nextOccurrence(of: 1) {
        if isEmpty { writer.continuation("\"values\":[") }
        isEmpty = false
        try writeAnyValue(bytes, MessageParts(range), depth: depth + 1, to: &writer)
      }
    }
    if !isEmpty { writer.endArray() }
  }

  private static func writeMembers(
    _ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    let start = writer.bytes.count
    writer.continuation("\"values\":[")
    let opened = writer.bytes.count
    for index in 0..<parts.count {
      try writeKeyValues(bytes, at: parts[index], field: 1, depth: depth + 1, to: &writer)
    }
    if writer.bytes.count > opened {
      writer.endArray()
    } else {
      writer.bytes.removeLast(opened - start)
    }
  }
}
