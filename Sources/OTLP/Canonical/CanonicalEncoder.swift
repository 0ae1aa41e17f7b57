import JSON
import Protobuf

/// Writes the fields of messages in the order of their numbers, each with its one canonical value.
struct CanonicalEncoder {
  var output = ProtobufWriter()

  /// Writes a `ResourceSpans` or `ScopeSpans` message without what it contains, which is its field 2.
  mutating func envelope(_ message: OTLPMessage, _ bytes: Span<UInt8>) throws(ProtobufError) {
    let parts = MessageParts(0..<bytes.count)
    for field in message.fields where field.number != 2 { try self.field(field, bytes, parts, depth: 0) }
    endMessage()
  }

  /// Writes a message.
  ///
  /// - Parameter depth: How many AnyValues are open.
  mutating func message(_ message: OTLPMessage, _ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int)
    throws(ProtobufError)
  {
    if message == .anyValue {
      try anyValue(bytes, parts, depth: depth + 1)
    } else {
      for field in message.fields { try self.field(field, bytes, parts, depth: depth) }
    }
    endMessage()
  }

  // A tag is never 0, so a zero byte in the place of one ends the message.
  private mutating func endMessage() { output.bytes.append(0) }

  private mutating func field(_ field: OTLPField, _ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int)
    throws(ProtobufError)
  {
    if field.isRepeated { return try repeated(field, bytes, parts, depth: depth) }
    switch field.kind {
    case .message(let message):
      guard let value = try parts.merged(field.number, in: bytes) else { return }
      let start = output.bytes.count
      output.tag(field.tag)
      let content = output.bytes.count
      try self.message(message, bytes, value, depth: depth)
      // Only its end was written: an empty message counts as absent. An attribute with an empty value does not count
      // as one without.
      if message != .anyValue, output.bytes.count == content + 1 {
        output.bytes.removeLast(output.bytes.count - start)
      }
    case .string, .bytes, .identifier:
      let value = try parts.lastValue(field.number, in: bytes)
      if !value.isEmpty { text(field, bytes, value) }
    case .bool, .int64, .uint32, .double, .fixed32, .fixed64, .enumeration:
      let value = field.canonical(try parts.lastNumber(field.tag, in: bytes))
      if value != 0 { output.varintField(field.number, value) }
    }
  }

  private mutating func repeated(_ field: OTLPField, _ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int)
    throws(ProtobufError)
  {
    for index in 0..<parts.count {
      var reader = ProtobufReader(bytes, at: parts[index])
      while let value = try reader.nextOccurrence(of: field.number) {
        guard case .message(let message) = field.kind else {
          text(field, bytes, value)
          continue
        }
        output.tag(field.tag)
        try self.message(message, bytes, MessageParts(value), depth: depth)
      }
    }
  }

  private mutating func anyValue(_ bytes: Span<UInt8>, _ parts: MessageParts, depth: Int) throws(ProtobufError) {
    guard depth <= OTLPMessage.maximumValueDepth else { throw .tooDeep }
    switch try AnyValueFields(bytes, at: parts) {
    case .empty: break
    case .string(let value): text(.anyValue(1), bytes, value)
    case .bool(let value): output.varintField(2, value ? 1 : 0)
    case .int(let value): output.varintField(3, UInt64(bitPattern: value))
    case .double(let value): output.fixed64Field(4, value.bitPattern)
    case .array(let parts):
      output.tag(.lengthDelimited(5))
      try message(.arrayValue, bytes, parts, depth: depth)
    case .keyValueList(let parts):
      output.tag(.lengthDelimited(6))
      try message(.keyValueList, bytes, parts, depth: depth)
    case .bytes(let value): text(.anyValue(7), bytes, value)
    }
  }

  private mutating func text(_ field: OTLPField, _ bytes: Span<UInt8>, _ range: Range<Int>) {
    guard field.kind == .string, !UTF8Text.isWellFormed(bytes, at: range) else {
      return output.bytesField(field.number, bytes.extracting(range))
    }
    var repaired: [UInt8] = []
    UTF8Text.appendRepaired(bytes, at: range, to: &repaired)
    output.bytesField(field.number, repaired.span)
  }
}

extension OTLPField {
  /// A member of AnyValue.
  fileprivate static func anyValue(_ number: UInt32) -> OTLPField { OTLPMessage.anyValue.field(number)! }

  /// The number that a decoder makes of what is on the wire: fields narrower than a varint drop the upper bits.
  fileprivate func canonical(_ value: UInt64) -> UInt64 {
    switch kind {
    case .bool: value == 0 ? 0 : 1
    case .uint32: UInt64(UInt32(truncatingIfNeeded: value))
    case .enumeration: UInt64(bitPattern: Int64(Int32(truncatingIfNeeded: value)))
    default: value
    }
  }
}
