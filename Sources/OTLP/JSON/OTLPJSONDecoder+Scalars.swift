import JSON
import Protobuf

extension OTLPJSONDecoder {
  /// Reads a value that is no message and writes it as a field.
  ///
  /// - Returns: Whether it is the default value of proto3.
  @inline(never)  // Keeps the frames of the recursion small.
  @_lifetime(self: copy self)
  mutating func scalar(_ field: OTLPField) throws(JSONError) -> Bool {
    switch field.kind {
    case .string: return try string(field.number)
    case .identifier: return try identifier(field.number)
    case .bytes: return try base64(field.number)
    case .bool: return try varint(field.number, try reader.bool() ? 1 : 0)
    case .int64: return try varint(field.number, UInt64(bitPattern: try integer { $0.int64 }))
    case .uint32: return try varint(field.number, UInt64(try integer { $0.uint64.flatMap { UInt32(exactly: $0) } }))
    case .enumeration(let type): return try varint(field.number, try enumeration(type))
    case .fixed32:
      let value = try integer { $0.uint64.flatMap { UInt32(exactly: $0) } }
      writer.output.fixed32Field(field.number, value)
      return value == 0
    case .fixed64:
      let value = try integer { $0.uint64 }
      writer.output.fixed64Field(field.number, value)
      return value == 0
    case .double:
      let value = try double()
      writer.output.fixed64Field(field.number, value.bitPattern)
      return value.bitPattern == 0
    case .message: preconditionFailure("a message is not a scalar")
    }
  }

  @_lifetime(self: copy self)
  private mutating func varint(_ field: UInt32, _ value: UInt64) throws(JSONError) -> Bool {
    writer.output.varintField(field, value)
    return value == 0
  }

  @_lifetime(self: copy self)
  private mutating func string(_ field: UInt32) throws(JSONError) -> Bool {
    let string = try reader.string()
    // Decoding nearly always makes text shorter.
    let mark = writer.begin(field, expecting: string.range.count)
    reader.append(string, to: &writer.output.bytes)
    writer.end(mark)
    return string.range.isEmpty
  }

  /// Trace and span ids: hexadecimal digits in either case.
  @_lifetime(self: copy self)
  private mutating func identifier(_ field: UInt32) throws(JSONError) -> Bool {
    let string = try reader.string()
    let mark = writer.begin(field, expecting: string.range.count / 2)
    let start = writer.output.bytes.count
    if !appendHexadecimal(string) {
      // No identifier has one byte, so the receiver refuses the span as it refuses other bad lengths.
      writer.output.bytes.removeLast(writer.output.bytes.count - start)
      writer.output.bytes.append(0)
    }
    writer.end(mark)
    return string.range.isEmpty
  }

  private mutating func appendHexadecimal(_ string: JSONString) -> Bool {
    guard string.isPlain, string.range.count.isMultiple(of: 2) else { return false }
    for offset in stride(from: string.range.lowerBound, to: string.range.upperBound, by: 2) {
      guard let high = Hexadecimal.value(of: reader.bytes[offset]),
        let low = Hexadecimal.value(of: reader.bytes[offset + 1])
      else { return false }
      writer.output.bytes.append(high << 4 | low)
    }
    return true
  }

  @_lifetime(self: copy self)
  private mutating func base64(_ field: UInt32) throws(JSONError) -> Bool {
    let string = try reader.string()
    let mark = writer.begin(field, expecting: string.range.count / 4 * 3)
    let isValid: Bool
    if string.isPlain {
      isValid = Base64.appendDecoded(reader.bytes.extracting(string.range), to: &writer.output.bytes)
    } else {
      // `\/` is a common way to write a slash.
      var text: [UInt8] = []
      reader.append(string, to: &text)
      isValid = Base64.appendDecoded(text.span, to: &writer.output.bytes)
    }
    guard isValid else { throw JSONError(.invalidValue, at: string.range.lowerBound) }
    writer.end(mark)
    return string.range.isEmpty
  }
}
