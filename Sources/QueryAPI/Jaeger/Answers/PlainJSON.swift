import JSON
import OTLP
import Protobuf

/// Writes attribute values as the JSON that they mean, without OTLP's wrapping; Jaeger shows lists and maps as such a text.
enum PlainJSON {
  static func text(_ bytes: Span<UInt8>, _ value: AnyValueFields) throws(ProtobufError) -> [UInt8] {
    var writer = JSONWriter()
    try write(bytes, value, depth: 1, to: &writer)
    return writer.bytes
  }

  private static func write(
    _ bytes: Span<UInt8>, _ value: AnyValueFields, depth: Int, to writer: inout JSONWriter
  ) throws(ProtobufError) {
    guard depth <= OTLPMessage.maximumValueDepth else { throw .tooDeep }
    switch value {
    case .empty: writer.null()
    case .string(let range): writer.string(bytes, at: range)
    case .bool(let value): writer.bool(value)
    case .int(let value): writer.integer(value)
    case .double(let value): writer.double(value)
    case .bytes(let range): writer.base64(bytes, at: range)
    case .array(let parts):
      writer.beginArray()
      for index in 0..<parts.count {
        var reader = ProtobufReader(bytes, at: parts[index])
        while let element = try reader.nextOccurrence(of: 1) {
          try write(bytes, try AnyValueFields(bytes, at: MessageParts(element)), depth: depth + 1, to: &writer)
        }
      }
      writer.endArray()
    case .keyValueList(let parts):
      writer.beginObject()
      for index in 0..<parts.count {
        var reader = ProtobufReader(bytes, at: parts[index])
        while let member = try reader.nextOccurrence(of: 1) {
          let fields = try KeyValueFields(bytes, at: member)
          writer.key(bytes, at: fields.key)
          guard let value = fields.value else {
            writer.null()
            continue
          }
          try write(bytes, try AnyValueFields(bytes, at: value), depth: depth + 1, to: &writer)
        }
      }
      writer.endObject()
    }
  }
}
