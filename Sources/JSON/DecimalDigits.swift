/// Writes integers as decimal digits, eight at a time.
@usableFromInline enum DecimalDigits {
  /// More than a sign and the 20 digits of the largest number, because digits are written as whole words.
  @inlinable static var maximumCount: Int { 25 }

  /// Writes a number, as below.
  @inlinable @inline(__always)
  static func write(_ value: Int64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    unsafe target[0] = UInt8(ascii: "-")
    // Where no sign is due, the digits overwrite it.
    let sign = value < 0 ? 1 : 0
    return unsafe sign &+ write(value.magnitude, to: target + sign)
  }

  /// Writes a number.
  ///
  /// - Parameter target: Memory for ``maximumCount`` bytes.
  /// - Returns: The number of its digits.
  @inlinable
  static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    if value < 100_000_000 { return unsafe writeLeading(value, to: target) }
    let (upper, last) = value.quotientAndRemainder(dividingBy: 100_000_000)
    var count: Int
    if upper < 100_000_000 {
      count = unsafe writeLeading(upper, to: target)
    } else {
      let (first, middle) = upper.quotientAndRemainder(dividingBy: 100_000_000)
      count = unsafe writeLeading(first, to: target)
      unsafe store(characters(middle), to: target + count)
      count &+= 8
    }
    unsafe store(characters(last), to: target + count)
    return count &+ 8
  }

  /// Writes a number below 10^8 without leading zeros.
  @inlinable @inline(__always)
  static func writeLeading(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
    let digits = digits(value)
    // The last digit is kept also when it is zero.
    let zeros = min(digits.trailingZeroBitCount >> 3, 7)
    unsafe store((digits | zeroCharacters) &>> UInt64(truncatingIfNeeded: zeros &* 8), to: target)
    return 8 &- zeros
  }

  @inlinable @inline(__always)
  static var zeroCharacters: UInt64 { 0x3030_3030_3030_3030 }

  @inlinable @inline(__always)
  static func characters(_ value: UInt64) -> UInt64 { digits(value) | zeroCharacters }

  /// The eight digits of a number below 10^8, one a byte, the first one lowest.
  ///
  /// Each step splits every part in two at once. The products are approximations of divisions by 100 and by 10 that are
  /// exact for parts of this size.
  @inlinable @inline(__always)
  static func digits(_ value: UInt64) -> UInt64 {
    let upper = value / 10_000
    let fours = upper | (value &- upper &* 10_000) &<< 32
    let hundreds = (fours &* 10_486) &>> 20 & 0x7F_0000_007F
    let pairs = hundreds | (fours &- hundreds &* 100) &<< 16
    let tens = (pairs &* 103) &>> 10 & 0x000F_000F_000F_000F
    return tens | (pairs &- tens &* 10) &<< 8
  }

  @inlinable @inline(__always)
  static func store(_ word: UInt64, to target: UnsafeMutablePointer<UInt8>) {
    unsafe UnsafeMutableRawPointer(target).storeBytes(of: word.littleEndian, as: UInt64.self)
  }
}
