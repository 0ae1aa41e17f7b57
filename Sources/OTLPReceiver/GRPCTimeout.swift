/// The header `grpc-timeout`: one to eight digits and a unit.
enum GRPCTimeout {
  /// Reads the header's value.
  ///
  /// - Returns: `nil` for a value of another form.
  static func parse(_ text: String) -> Duration? {
    let digits = text.utf8.dropLast()
    guard (1...8).contains(digits.count), digits.allSatisfy({ (0x30...0x39).contains($0) }),
      let value = Int64(String(decoding: digits, as: UTF8.self))
    else { return nil }
    return switch text.utf8.last {
    case UInt8(ascii: "H"): .seconds(value * 3600)
    case UInt8(ascii: "M"): .seconds(value * 60)
    case UInt8(ascii: "S"): .seconds(value)
    case UInt8(ascii: "m"): .milliseconds(value)
    case UInt8(ascii: "u"): .microseconds(value)
    case UInt8(ascii: "n"): .nanoseconds(value)
    default: nil
    }
  }
}
