/// The shortest digits of a double between 2^30 and 2^31: times of our days in seconds since 1970.
///
/// In this range 22 bits of a double lie behind the binary point, so neighbours are 2.4 * 10^-7 apart. Seven decimals
/// therefore always tell a double from its neighbours, and at most one number with six decimals does. That makes finding
/// the shortest digits a matter of two multiplications, where the general way is ten times as slow.
struct SecondsText {
  /// More than the 10 digits before the point, the point, and 7 behind it, because digits are written as whole words.
  static let maximumCount = 16 + DecimalDigits.maximumCount

  private static let fractionBits: UInt64 = 22

  private let seconds: UInt64
  /// The decimals as one number, with a digit 1 before them that keeps their leading zeros.
  private let decimals: UInt64

  /// - Returns: `nil` for a double outside of the range, for a whole number, and in the rare case that two numbers with
  ///   seven decimals are equally near.
  init?(_ value: Double) {
    guard value >= 0x1p30, value < 0x1p31 else { return nil }
    let significand = value.significandBitPattern | 1 << 52
    let half: UInt64 = 1 << (Self.fractionBits - 1)
    let fraction = significand & (half * 2 - 1)
    guard fraction != 0 else { return nil }
    seconds = significand >> Self.fractionBits

    let scaled = fraction * 1_000_000
    var nearest = (scaled + half) >> Self.fractionBits
    let distance = Int64(nearest << Self.fractionBits) - Int64(scaled)
    // Half of the distance to a neighbour. The two are never equal: only one has the factor 2^6.
    if distance.magnitude < 500_000 {
      nearest += 1_000_000
      while nearest % 10 == 0 { nearest /= 10 }
      decimals = nearest
    } else {
      let scaled = fraction * 10_000_000
      guard scaled & (half * 2 - 1) != half else { return nil }
      decimals = (scaled + half) >> Self.fractionBits + 10_000_000
    }
  }

  /// - Parameter target: Memory for ``maximumCount`` bytes.
  /// - Returns: How many bytes were written.
  func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
    let point = unsafe DecimalDigits.write(seconds, to: target)
    let count = unsafe DecimalDigits.write(decimals, to: target + point)
    unsafe target[point] = UInt8(ascii: ".")
    return point + count
  }
}
