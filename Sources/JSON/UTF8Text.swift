/// Well-formed UTF-8, as table 3-7 of the Unicode Standard defines it.
public enum UTF8Text {
  /// U+FFFD in UTF-8.
  @inlinable public static var replacement: [UInt8] { [0xEF, 0xBF, 0xBD] }

  /// Measures the character that starts at an offset.
  ///
  /// - Returns: Its length in bytes; or, negated, the length of the ill-formed bytes that one U+FFFD stands for (a
  ///   maximal subpart, so the result is the same as that of `String(decoding:as:)`).
  /// - Precondition: `offset < end <= bytes.count`.
  @inlinable
  public static func character(in bytes: Span<UInt8>, at offset: Int, end: Int) -> Int {
    precondition(offset >= 0 && offset < end && end <= bytes.count)
    let first = unsafe bytes[unchecked: offset]
    let length: Int
    // The range of the second byte is what keeps out overlong forms, surrogates and values above U+10FFFF.
    var second: ClosedRange<UInt8> = 0x80...0xBF
    switch first {
    case 0x00...0x7F: return 1
    case 0xC2...0xDF: length = 2
    case 0xE0: (length, second) = (3, 0xA0...0xBF)
    case 0xED: (length, second) = (3, 0x80...0x9F)
    case 0xE1...0xEF: length = 3
    case 0xF0: (length, second) = (4, 0x90...0xBF)
    case 0xF1...0xF3: length = 4
    case 0xF4: (length, second) = (4, 0x80...0x8F)
    default: return -1
    }
    var count = 1
    while count < length {
      let position = offset &+ count
      guard position < end else { return -count }
      let byte = unsafe bytes[unchecked: position]
      guard count == 1 ? second.contains(byte) : byte & 0xC0 == 0x80 else { return -count }
      count &+= 1
    }
    return length
  }

  /// Tells whether a part of a buffer is well-formed UTF-8.
  ///
  /// - Precondition: `range` lies inside the span.
  public static func isWellFormed(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool {
    firstIllFormed(bytes, at: range) == nil
  }

  /// Appends a part of a buffer with each ill-formed sequence replaced by U+FFFD.
  ///
  /// - Precondition: `range` lies inside the span.
  public static func appendRepaired(_ bytes: Span<UInt8>, at range: Range<Int>, to result: inout [UInt8]) {
    var rest = range
    while let offset = firstIllFormed(bytes, at: rest) {
      append(bytes, at: rest.lowerBound..<offset, to: &result)
      result.append(contentsOf: replacement)
      rest = (offset - character(in: bytes, at: offset, end: range.upperBound))..<range.upperBound
    }
    append(bytes, at: rest, to: &result)
  }

  private static func firstIllFormed(_ bytes: Span<UInt8>, at range: Range<Int>) -> Int? {
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    var offset = range.lowerBound
    while offset < range.upperBound {
      if range.upperBound - offset >= 8, TextWord.load(bytes, at: offset) & TextWord.highBits == 0 {
        offset += 8
        continue
      }
      let length = character(in: bytes, at: offset, end: range.upperBound)
      guard length > 0 else { return offset }
      offset += length
    }
    return nil
  }

  private static func append(_ bytes: Span<UInt8>, at range: Range<Int>, to result: inout [UInt8]) {
    unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe result.append(contentsOf: $0) }
  }
}
