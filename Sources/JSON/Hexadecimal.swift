/// Hexadecimal digits.
public enum Hexadecimal {
  /// The value of a digit in either case; `nil` for any other character.
  @inlinable public static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
    default: nil
    }
  }

  /// Writes the two digits of each byte.
  ///
  /// - Parameter target: Memory for twice as many bytes as `range` has, which lies inside the span.
  @inlinable
  static func write(_ data: Span<UInt8>, at range: Range<Int>, to target: UnsafeMutablePointer<UInt8>) {
    var index = 0
    while index &+ 4 <= range.count {
      let word = unsafe data.bytes.unsafeLoadUnaligned(fromByteOffset: range.lowerBound &+ index, as: UInt32.self)
      let digits = digits(UInt32(bigEndian: word)).bigEndian
      unsafe UnsafeMutableRawPointer(target + 2 &* index).storeBytes(of: digits, as: UInt64.self)
      index &+= 4
    }
    while index < range.count {
      let byte = unsafe data[unchecked: range.lowerBound &+ index]
      unsafe target[2 &* index] = digit(byte >> 4)
      unsafe target[2 &* index &+ 1] = digit(byte & 0xF)
      index &+= 1
    }
  }

  /// The eight lower-case digits of a number, the first one highest.
  @inlinable @inline(__always)
  static func digits(_ value: UInt32) -> UInt64 {
    // Spreads the nibbles over the bytes.
    var nibbles = UInt64(value)
    nibbles = (nibbles | nibbles &<< 16) & 0x0000_FFFF_0000_FFFF
    nibbles = (nibbles | nibbles &<< 8) & 0x00FF_00FF_00FF_00FF
    nibbles = (nibbles | nibbles &<< 4) & 0x0F0F_0F0F_0F0F_0F0F
    // Adding 6 carries into bit 4 of those that are letters.
    let letters = (nibbles &+ 0x0606_0606_0606_0606) &>> 4 & 0x0101_0101_0101_0101
    return nibbles &+ 0x3030_3030_3030_3030 &+ letters &* 0x27
  }

  /// The lower-case digit of a value below 16.
  @inlinable @inline(__always)
  public static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") &+ value : UInt8(ascii: "a") &- 10 &+ value
  }
}
