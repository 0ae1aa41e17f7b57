import JSON
import OTLP
import Protobuf

/// Writes attributes as the object that Agent Lightning's models accept.
///
/// A value there is a string, a bool, an int, a float, or a list of one of these. Everything else that OTLP allows
/// becomes a string: bytes as hexadecimal, what is not finite as `NaN` or `Infinity`; maps, lists of mixed types, lists
/// of lists and values that are not set as their JSON text. A list of ints and floats becomes one of floats. Of
/// attributes with the same key the last one counts.
struct AGLAttributeWriter {
  private var members = AGLObjectMembers()

  /// Writes an object of the `KeyValue` messages of a repeated field.
  mutating func write(_ bytes: Span<UInt8>, _ attributes: RepeatedField, field: UInt32, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    guard attributes.count > 0 else { return writer.tokens("{}") }
    try write(bytes, MessageParts(attributes.extent), field: field, to: &writer)
  }

  /// Writes an object of the `KeyValue` messages in a message.
  mutating func write(_ bytes: Span<UInt8>, _ parts: MessageParts, field: UInt32, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    defer { members.release() }
    try members.collect(bytes, parts, field: field)
    writer.beginObject()
    for index in members.entries.indices where !members.entries[index].isReplaced {
      try write(bytes, members.entries[index], to: &writer)
    }
    for mark in members.crowd {
      try write(bytes, try AGLObjectMembers.entry(bytes, at: mark), to: &writer)
    }
    writer.endObject()
  }

  @inline(__always)
  private func write(_ bytes: Span<UInt8>, _ member: AGLObjectMembers.Entry, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    if let text = member.plain?.text {
      writer.strings("", member.key, ":", text, "", in: bytes)
    } else {
      writer.key(bytes, at: member.key)
      try write(bytes, try AGLObjectMembers.value(of: member, bytes), to: &writer)
    }
  }

  private func write(_ bytes: Span<UInt8>, _ parts: MessageParts?, to writer: inout JSONWriter) throws(ProtobufError) {
    guard let parts else { return writer.string("null") }
    switch try AnyValueFields(bytes, at: parts) {
    case .empty: writer.string("null")
    case .string(let range): writer.string(bytes, at: range)
    case .bool(let value): writer.bool(value)
    case .int(let value): writer.integer(value)
    case .double(let value): writer.double(value)
    case .bytes(let range): writer.hexadecimal(bytes, at: range)
    case .array(let elements):
      switch try AGLListKind(bytes, elements) {
      case .uniform: try AGLValueText.writeArray(bytes, elements, depth: 1, to: &writer)
      case .numbers: try writeDoubles(bytes, elements, to: &writer)
      case .other: try writeText(bytes, parts, to: &writer)
      }
    case .keyValueList: try writeText(bytes, parts, to: &writer)
    }
  }

  private func writeDoubles(_ bytes: Span<UInt8>, _ elements: MessageParts, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    writer.beginArray()
    for index in 0..<elements.count {
      var reader = ProtobufReader(bytes, at: elements[index])
      while let range = try reader.nextOccurrence(of: 1) {
        switch try AnyValueFields(bytes, at: MessageParts(range)) {
        case .int(let value): writer.double(Double(value))
        case .double(let value): writer.double(value)
        default: preconditionFailure("the list has been found to hold numbers")
        }
      }
    }
    writer.endArray()
  }

  private func writeText(_ bytes: Span<UInt8>, _ parts: MessageParts, to writer: inout JSONWriter)
    throws(ProtobufError)
  {
    var text = JSONWriter()
    try AGLValueText.write(bytes, parts, depth: 1, to: &text)
    writer.string(text.bytes.span, at: 0..<text.bytes.count)
  }
}
