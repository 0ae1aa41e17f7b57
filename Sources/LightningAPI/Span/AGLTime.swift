/// Times as Agent Lightning writes them.
enum AGLTime {
  /// The double nearest to a number of nanoseconds in seconds.
  ///
  /// Python divides integers exactly and rounds once. Converting to a double first would round twice, and give another
  /// last digit in one of four times of today.
  static func seconds(nanoseconds: UInt64) -> Double {
    guard nanoseconds > 1 << 53 else { return Double(nanoseconds) / 1e9 }
    let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
    let (fraction, remainder) = (1_000_000_000 as UInt64).dividingFullWidth((rest, 0))
    // The 64 leading bits of the result. That what was cut off was not zero is kept in the lowest bit, which is far
    // below the last bit of a double, so that the conversion rounds as if it saw all of them.
    let shift = seconds.leadingZeroBitCount
    var bits = seconds << UInt64(shift) | fraction >> UInt64(64 - shift)
    if remainder != 0 || fraction << UInt64(shift) != 0 { bits |= 1 }
    return Double(sign: .plus, exponent: -shift, significand: Double(bits))
  }
}
