/// Reads moments as people and programs write them.
enum Moment {
  /// Reads nanoseconds since 1970 in decimal digits, or an RFC 3339 time.
  ///
  /// - Returns: `nil` for other text, and for moments that 63 bits do not hold.
  static func nanoseconds(_ text: String) -> UInt64? {
    let digits = text.utf8
    if !digits.isEmpty && digits.allSatisfy(isDigit) { return Int64(text).map(UInt64.init) }
    return rfc3339(Array(digits))
  }

  /// `2026-11-21T14:03:11.123456789+01:00`; of the fraction nine digits count.
  ///
  /// [RFC 3339, 5.6](https://www.rfc-editor.org/rfc/rfc3339#section-5.6)
  private static func rfc3339(_ text: [UInt8]) -> UInt64? {
    var reader = FixedFields(text)
    guard let year = reader.number(4), reader.skip("-"), let month = reader.number(2), reader.skip("-"),
      let day = reader.number(2), reader.skip("T") || reader.skip("t"), let hour = reader.number(2), reader.skip(":"),
      let minute = reader.number(2), reader.skip(":"), let second = reader.number(2),
      let fraction = reader.fraction(), let offset = reader.offset(), reader.isAtEnd
    else { return nil }
    // A leap second, 60, is the first moment of the next minute.
    guard (1...12).contains(month), (1...daysInMonth(year, month)).contains(day), hour < 24, minute < 60, second <= 60
    else { return nil }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second - offset
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, tooLarge) = product.addingReportingOverflow(fraction)
    guard !overflow, !tooLarge, sum >= 0 else { return nil }
    return UInt64(sum)
  }

  private static func daysInMonth(_ year: Int64, _ month: Int64) -> Int64 {
    if month == 2 { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28 }
    return [4, 6, 9, 11].contains(month) ? 30 : 31
  }

  /// Days since 1970: `days_from_civil` of Howard Hinnant's
  /// [date algorithms](https://howardhinnant.github.io/date_algorithms.html), for years from 0 on.
  private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    // Years begin in March, so that the leap day is the last of its year.
    let year = month <= 2 ? year - 1 : year
    let era = (year >= 0 ? year : year - 399) / 400
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  fileprivate static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
}

/// Reads fields of fixed widths.
private struct FixedFields {
  private let text: [UInt8]
  private var position = 0

  init(_ text: [UInt8]) { self.text = text }

  var isAtEnd: Bool { position == text.count }

  mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < text.count, text[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func digit() -> Int64? {
    guard position < text.count, Moment.isDigit(text[position]) else { return nil }
    defer { position += 1 }
    return Int64(text[position] - UInt8(ascii: "0"))
  }

  mutating func number(_ digits: Int) -> Int64? {
    var value: Int64 = 0
    for _ in 0..<digits {
      guard let digit = digit() else { return nil }
      value = value * 10 + digit
    }
    return value
  }

  /// Nanoseconds, 0 without a fraction.
  mutating func fraction() -> Int64? {
    guard skip(".") else { return 0 }
    guard var value = digit() else { return nil }
    var digits = 1
    while let next = digit() {
      guard digits < 9 else { continue }
      value = value * 10 + next
      digits += 1
    }
    for _ in digits..<9 { value *= 10 }
    return value
  }

  /// Seconds that the time is ahead.
  mutating func offset() -> Int64? {
    if skip("Z") || skip("z") { return 0 }
    let isBehind = skip("-")
    guard isBehind || skip("+"), let hour = number(2), skip(":"), let minute = number(2), hour < 24, minute < 60
    else { return nil }
    return (isBehind ? -1 : 1) * (hour * 3600 + minute * 60)
  }
}
