/// A string of a JSON text that was checked but not decoded.
@frozen public struct JSONString: Hashable, Sendable {
  /// Where the text between the quotation marks lies.
  public let range: Range<Int>
  /// Whether the text is ASCII without escapes, so that its bytes are the string.
  public let isPlain: Bool

  @inlinable @inline(__always)
  init(range: Range<Int>, isPlain: Bool) {
    self.range = range
    self.isPlain = isPlain
  }
}

extension JSONReader {
  /// Reads a string.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func string() throws(JSONError) -> JSONString {
    guard try nextByte() == UInt8(ascii: "\"") else { throw JSONError(.wrongType, at: position) }
    position &+= 1
    let start = position
    var isPlain = true
    while true {
      if bytes.count &- position >= 8 {
        let special = TextWord.special(TextWord.load(bytes, at: position))
        if special == 0 {
          position &+= 8
          continue
        }
        position &+= special.trailingZeroBitCount >> 3
      }
      guard position < bytes.count else { throw JSONError(.unexpectedEnd, at: position) }
      let byte = unsafe bytes[unchecked: position]
      if byte == UInt8(ascii: "\"") {
        defer { position &+= 1 }
        return JSONString(range: unsafe Range(uncheckedBounds: (start, position)), isPlain: isPlain)
      }
      if TextWord.isSpecial(byte) {
        isPlain = false
        try skipSpecial(byte)
      } else {
        position &+= 1
      }
    }
  }

  /// Steps over one escape sequence, or over all bytes outside ASCII that follow.
  @usableFromInline
  @_lifetime(self: copy self)
  mutating func skipSpecial(_ byte: UInt8) throws(JSONError) {
    guard byte >= 0x20 else { throw JSONError(.controlCharacter, at: position) }
    guard byte == UInt8(ascii: "\\") else {
      while position < bytes.count, bytes[position] >= 0x80 { position += 1 }
      return
    }
    guard position + 1 < bytes.count else { throw JSONError(.unexpectedEnd, at: bytes.count) }
    switch bytes[position + 1] {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
      UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
      position += 2
    case UInt8(ascii: "u"):
      guard hexadecimal(at: position + 2) != nil else { throw JSONError(.malformedEscape, at: position) }
      position += 6
    default: throw JSONError(.malformedEscape, at: position)
    }
  }
}
