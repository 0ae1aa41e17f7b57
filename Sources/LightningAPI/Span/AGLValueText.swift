import JSON
import OTLP
import Protobuf

/// Writes any OTLP value as the JSON that looks most like it.
enum AGLValueText {
  /// Writes an `AnyValue` message.
  ///
  /// - Parameter depth: The level of the value; the value of an attribute is 1.
  static func write(_ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard depth <= OTLPMessage.maximumValueDepth else { throw .tooDeep }
    switch try AnyValueFields(bytes, at: parts) {
    case .empty: writer.null()
    case .string(let range): writer.string(bytes, at: range)
    case .bool(let value): writer.bool(value)
    case .int(let value): writer.integer(value)
    case .double(let value): writer.double(value)
    case .bytes(let range): writer.hexadecimal(bytes, at: range)
    case .array(let elements): try writeArray(bytes, elements, depth: depth, to: &writer)
    case .keyValueList(let members): try writeObject(bytes, members, depth: depth, to: &writer)
    }
  }

  /// Writes an `ArrayValue` message.
  static func writeArray(_ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    writer.beginArray()
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let range = try reader.nextOccurrence(of: 1) {
        try write(bytes, MessageParts(range), depth: depth + 1, to: &writer)
      }
    }
    writer.endArray()
  }

  private static func writeObject(_ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    var members = AGLObjectMembers()
    try members.collect(bytes, parts, field: 1)
    writer.beginObject()
    for member in members.entries where !member.isReplaced {
      try writeMember(bytes, member, depth: depth, to: &writer)
    }
    for mark in members.crowd {
      let member = try AGLObjectMembers.entry(bytes, at: mark)
      try writeMember(bytes, member, depth: depth, to: &writer)
    }
    writer.endObject()
  }

  private static func writeMember(
    _ bytes: Span<UInt8>, _ member: AGLObjectMembers.Entry, depth: Int,
    to writer: inout JSONWriter
  ) throws(ProtobufError) {
    writer.key(bytes, at: member.key)
    if let value = try AGLObjectMembers.value(of: member, bytes) {
      try write(bytes, value, depth: depth + 1, to: &writer)
    } else {
      writer.null()
    }
  }
}
