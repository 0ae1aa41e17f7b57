/// Numbers in texts, as pydantic reads them.
enum LaxText {
  /// Digits with a sign, single underscores between them, and a fraction of zeros; white space around it.
  static func integer(_ text: String) -> Result<Int64, LaxNumber.Problem> {
    var rest = trimmed(text)
    let sign = takeSign(&rest)
    if let point = rest.firstIndex(of: UInt8(ascii: ".")) {
      let zeros = rest[(point + 1)...]
      guard !zeros.isEmpty, zeros.allSatisfy({ $0 == UInt8(ascii: "0") }) else { return .failure(.unreadableInteger) }
      rest = rest[..<point]
    }
    guard let digits = digits(rest) else { return .failure(.unreadableInteger) }
    var value: Int64 = 0
    for digit in digits {
      let (product, productOverflows) = value.multipliedReportingOverflow(by: 10)
      let step = Int64(digit - UInt8(ascii: "0"))
      let (sum, sumOverflows) =
        sign == UInt8(ascii: "-")
        ? product.subtractingReportingOverflow(step)
        : product.addingReportingOverflow(step)
      if productOverflows || sumOverflows { return .failure(.largeInteger) }
      value = sum
    }
    return .success(value)
  }

  /// A decimal number, also without digits on one side of the point, `inf`, `infinity` or `nan`.
  static func double(_ text: String) -> Double? {
    var rest = trimmed(text)
    let sign = takeSign(&rest)
    switch String(decoding: rest, as: UTF8.self).lowercased() {
    case "inf", "infinity": return sign == UInt8(ascii: "-") ? -.infinity : .infinity
    case "nan": return .nan
    default: break
    }
    guard let plain = withoutUnderscores(rest), isDecimal(plain) else { return nil }
    guard let value = Double(String(decoding: plain, as: UTF8.self)) else { return nil }
    return sign == UInt8(ascii: "-") ? -value : value
  }

  /// `12`, `12.`, `.5`, `1.5e-3`.
  private static func isDecimal(_ text: [UInt8]) -> Bool {
    var rest = text[...]
    var count = takeDigits(&rest)
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      count += takeDigits(&rest)
    }
    guard count > 0 else { return false }
    guard let mark = rest.first else { return true }
    guard mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") else { return false }
    rest.removeFirst()
    _ = takeSign(&rest)
    return takeDigits(&rest) > 0 && rest.isEmpty
  }

  private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> Int {
    let count = rest.prefix(while: isDigit).count
    rest.removeFirst(count)
    return count
  }

  private static func takeSign(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
    guard let first = rest.first, first == UInt8(ascii: "-") || first == UInt8(ascii: "+") else { return nil }
    rest.removeFirst()
    return first
  }

  /// Digits without the underscores between them; `nil` when there is something else, or nothing.
  private static func digits(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    guard let plain = withoutUnderscores(text), !plain.isEmpty, plain.allSatisfy(isDigit) else { return nil }
    return plain
  }

  /// - Returns: `nil` when an underscore stands at an end or beside another one.
  private static func withoutUnderscores(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let underscore = UInt8(ascii: "_")
    guard text.contains(underscore) else { return Array(text) }
    let parts = text.split(separator: underscore, omittingEmptySubsequences: false)
    return parts.contains(where: \.isEmpty) ? nil : Array(parts.joined())
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

  private static func trimmed(_ text: String) -> ArraySlice<UInt8> {
    var rest = ArraySlice(text.utf8)
    while let first = rest.first, isSpace(first) { rest.removeFirst() }
    while let last = rest.last, isSpace(last) { rest.removeLast() }
    return rest
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
