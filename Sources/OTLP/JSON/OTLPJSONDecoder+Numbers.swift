import JSON

extension OTLPJSONDecoder {
  /// Reads an integer that is written as a number or as a string.
  ///
  /// - Parameter convert: Gives `nil` for a number that is out of range or not integral.
  @_lifetime(self: copy self)
  mutating func integer<Integer>(_ convert: (borrowing DecimalText) -> Integer?) throws(JSONError) -> Integer {
    let range = try numberText()
    guard let text = DecimalText(reader.bytes, at: range), let value = convert(text) else {
      throw JSONError(.invalidValue, at: range.lowerBound)
    }
    return value
  }

  /// Reads a double that is written as a number, as a string, or as one of the names for what is not finite.
  @_lifetime(self: copy self)
  mutating func double() throws(JSONError) -> Double {
    if try reader.nextKind() == .string {
      let start = reader.position
      let string = try reader.string()
      if reader.text(string, equals: "NaN") { return .nan }
      if reader.text(string, equals: "Infinity") { return .infinity }
      if reader.text(string, equals: "-Infinity") { return -.infinity }
      guard let value = DecimalText(reader.bytes, at: string.range)?.double else {
        throw JSONError(.invalidValue, at: start)
      }
      return value
    }
    let number = try reader.number()
    guard let value = reader.double(number) else { throw JSONError(.invalidValue, at: number.range.lowerBound) }
    return value
  }

  /// Reads an enumeration's number or name, and gives the number as a varint.
  @_lifetime(self: copy self)
  mutating func enumeration(_ type: OTLPEnumeration) throws(JSONError) -> UInt64 {
    var attempt = reader
    if try attempt.nextKind() == .string {
      let name = attempt.decoded(try attempt.string())
      if let number = type.names.firstIndex(of: name) {
        reader = attempt
        return UInt64(number)
      }
    }
    let number = try integer { $0.int64.flatMap { Int32(exactly: $0) } }
    return UInt64(bitPattern: Int64(number))
  }

  @_lifetime(self: copy self)
  private mutating func numberText() throws(JSONError) -> Range<Int> {
    try reader.nextKind() == .string ? try reader.string().range : try reader.number().range
  }
}
