/// Looks at eight bytes of text at once.
///
/// Both results have the high bit of a byte set where the byte needs attention. Carries can set bits above the lowest
/// such byte wrongly, so only the lowest set bit is exact; that is all a forward scan needs.
@usableFromInline enum TextWord {
  @inlinable @inline(__always)
  static var everyByte: UInt64 { 0x0101_0101_0101_0101 }

  @inlinable @inline(__always)
  static var highBits: UInt64 { 0x8080_8080_8080_8080 }

  /// Marks the bytes that cannot be copied into or out of a JSON string as they are: `"`, `\`, control characters,
  /// and bytes outside ASCII.
  @inlinable @inline(__always)
  static func special(_ word: UInt64) -> UInt64 {
    let quote = word ^ (everyByte &* 0x22)
    let backslash = word ^ (everyByte &* 0x5C)
    let quotes = (quote &- everyByte) & ~quote
    let backslashes = (backslash &- everyByte) & ~backslash
    let controls = (word &- everyByte &* 0x20) & ~word
    return (quotes | backslashes | controls | word) & highBits
  }

  /// Tells whether a single byte is one that ``special(_:)`` marks.
  @inlinable @inline(__always)
  static func isSpecial(_ byte: UInt8) -> Bool {
    byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
  }

  /// Loads at most eight bytes, the first one lowest, and how many they are.
  ///
  /// The word is filled up with spaces, which need no attention.
  ///
  /// - Precondition: `0 <= offset < end <= bytes.count`.
  @inlinable @inline(__always)
  static func load(_ bytes: Span<UInt8>, at offset: Int, upTo end: Int) -> (word: UInt64, length: Int) {
    let length = end &- offset
    if length >= 8 { return (load(bytes, at: offset), 8) }
    let spaces = (everyByte &* 0x20) &<< UInt64(truncatingIfNeeded: length &* 8)
    // What lies behind the text may be looked at as long as it belongs to the buffer.
    if offset &+ 8 <= bytes.count {
      let kept = (1 as UInt64) &<< UInt64(truncatingIfNeeded: length &* 8) &- 1
      return (load(bytes, at: offset) & kept | spaces, length)
    }
    var word = spaces
    for index in 0..<length {
      word |= UInt64(unsafe bytes[unchecked: offset &+ index]) &<< UInt64(truncatingIfNeeded: index &* 8)
    }
    return (word, length)
  }

  /// Loads eight bytes, the first one lowest.
  ///
  /// - Precondition: `offset + 8 <= bytes.count`.
  @inlinable @inline(__always)
  static func load(_ bytes: Span<UInt8>, at offset: Int) -> UInt64 {
    UInt64(littleEndian: unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }
}
