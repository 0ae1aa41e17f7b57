/// Durations as Go writes them: `1.5ms`, `1h30m`, `300us`.
///
/// [time.ParseDuration](https://pkg.go.dev/time#ParseDuration)
enum GoDuration {
  /// Nanoseconds; `nil` for other text, and for durations that 63 bits do not hold.
  static func nanoseconds(_ text: String) -> Int64? {
    var rest = text[...]
    var sign: Int64 = 1
    if let first = rest.first, first == "-" || first == "+" {
      rest.removeFirst()
      sign = first == "-" ? -1 : 1
    }
    // The only number that needs no unit.
    if rest == "0" { return 0 }
    guard !rest.isEmpty else { return nil }
    var total: Int64 = 0
    while !rest.isEmpty {
      guard let part = part(&rest) else { return nil }
      let (sum, overflow) = total.addingReportingOverflow(part)
      guard !overflow else { return nil }
      total = sum
    }
    return sign * total
  }

  /// Reads a number and its unit.
  private static func part(_ rest: inout Substring) -> Int64? {
    let whole = digits(&rest)
    var fraction = ""
    if rest.first == "." {
      rest.removeFirst()
      fraction = digits(&rest)
    }
    guard !whole.isEmpty || !fraction.isEmpty, let unit = unit(&rest) else { return nil }
    guard let number = whole.isEmpty ? 0 : Int64(whole) else { return nil }
    let (product, overflow) = number.multipliedReportingOverflow(by: unit)
    guard !overflow else { return nil }
    let more = fraction.isEmpty ? 0 : (Double("0." + fraction) ?? 0) * Double(unit)
    let (sum, tooLarge) = product.addingReportingOverflow(Int64(more))
    return tooLarge ? nil : sum
  }

  private static func digits(_ rest: inout Substring) -> String {
    let digits = rest.prefix { $0 >= "0" && $0 <= "9" }
    rest.removeFirst(digits.count)
    return String(digits)
  }

  private static func unit(_ rest: inout Substring) -> Int64? {
    let name = rest.prefix { ($0 < "0" || $0 > "9") && $0 != "." }
    rest.removeFirst(name.count)
    return switch name {
    case "ns": 1
    // The micro sign, and the Greek letter that looks like it.
    case "us", "\u{B5}s", "\u{3BC}s": 1_000
    case "ms": 1_000_000
    case "s": 1_000_000_000
    case "m": 60_000_000_000
    case "h": 3_600_000_000_000
    default: nil
    }
  }
}
