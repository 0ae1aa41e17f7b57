extension UInt64 {
  /// The number as 16 lower-case hexadecimal digits.
  package var hexDigits: String {
    unsafe String(unsafeUninitializedCapacity: 16) { buffer in
      var rest = self
      for index in (0..<16).reversed() {
        unsafe buffer[index] = Self.digit(UInt8(truncatingIfNeeded: rest & 15))
        rest >>= 4
      }
      return 16
    }
  }

  /// Reads at most 16 hexadecimal digits in either case.
  package init?(hexDigits: Substring.UTF8View) {
    guard hexDigits.count <= 16, !hexDigits.isEmpty else { return nil }
    var value: UInt64 = 0
    for byte in hexDigits {
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt64(byte - UInt8(ascii: "A") + 10)
      default: return nil
      }
    }
    self = value
  }

  private static func digit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
  }
}
