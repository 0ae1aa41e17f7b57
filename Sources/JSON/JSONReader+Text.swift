// What the strings of a text say.
extension JSONReader {
  /// Tells whether a string is this text.
  @inlinable
  public func text(_ string: JSONString, equals text: StaticString) -> Bool {
    guard string.isPlain else { return decoded(string) == "\(text)" }
    let count = text.utf8CodeUnitCount
    guard string.range.count == count else { return false }
    for index in 0..<count {
      guard unsafe bytes[unchecked: string.range.lowerBound &+ index] == text.utf8Start[index] else { return false }
    }
    return true
  }

  /// Decodes a string.
  public func decoded(_ string: JSONString) -> String {
    var result: [UInt8] = []
    append(string, to: &result)
    return String(decoding: result, as: UTF8.self)
  }

  /// Appends the bytes of a string, as well-formed UTF-8.
  ///
  /// - Precondition: The string comes from this reader.
  @inlinable
  public func append(_ string: JSONString, to result: inout [UInt8]) {
    guard string.isPlain else { return appendDecoded(string, to: &result) }
    unsafe bytes.extracting(string.range).withUnsafeBufferPointer { unsafe result.append(contentsOf: $0) }
  }

  @usableFromInline
  func appendDecoded(_ string: JSONString, to result: inout [UInt8]) {
    var copied = string.range.lowerBound
    var offset = copied
    while offset < string.range.upperBound {
      guard bytes[offset] == UInt8(ascii: "\\") else {
        offset += 1
        continue
      }
      // An escape is ASCII, so a character that it interrupts is ill-formed with or without it.
      UTF8Text.appendRepaired(bytes, at: copied..<offset, to: &result)
      offset = appendEscape(at: offset, to: &result)
      copied = offset
    }
    UTF8Text.appendRepaired(bytes, at: copied..<offset, to: &result)
  }

  /// Appends what an escape sequence stands for, and returns the offset behind it.
  private func appendEscape(at offset: Int, to result: inout [UInt8]) -> Int {
    switch bytes[offset + 1] {
    case UInt8(ascii: "b"): result.append(0x08)
    case UInt8(ascii: "f"): result.append(0x0C)
    case UInt8(ascii: "n"): result.append(0x0A)
    case UInt8(ascii: "r"): result.append(0x0D)
    case UInt8(ascii: "t"): result.append(0x09)
    case UInt8(ascii: "u"): return appendUnicodeEscape(at: offset, to: &result)
    case let character: result.append(character)
    }
    return offset + 2
  }

  private func appendUnicodeEscape(at offset: Int, to result: inout [UInt8]) -> Int {
    let unit = hexadecimal(at: offset + 2) ?? 0xFFFD
    var scalar = Unicode.Scalar(unit)
    var next = offset + 6
    if unit & 0xFC00 == 0xD800, next + 6 <= bytes.count, bytes[next] == UInt8(ascii: "\\"),
      bytes[next + 1] == UInt8(ascii: "u"), let low = hexadecimal(at: next + 2), low & 0xFC00 == 0xDC00
    {
      scalar = Unicode.Scalar(0x10000 + (unit & 0x3FF) << 10 + low & 0x3FF)
      next += 6
    }
    // A surrogate on its own is no character.
    result.append(contentsOf: UTF8.encode(scalar ?? "\u{FFFD}")!)
    return next
  }

  /// The value of four hexadecimal digits; `nil` when there are no four.
  func hexadecimal(at offset: Int) -> UInt32? {
    guard bytes.count - offset >= 4 else { return nil }
    var result: UInt32 = 0
    for index in offset..<offset + 4 {
      guard let digit = Hexadecimal.value(of: bytes[index]) else { return nil }
      result = result << 4 | UInt32(digit)
    }
    return result
  }
}
