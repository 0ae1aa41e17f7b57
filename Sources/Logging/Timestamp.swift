/// A moment in Coordinated Universal Time, to the millisecond.
package struct Timestamp: Hashable, Sendable, CustomStringConvertible {
  /// Since 1970-01-01T00:00:00Z, without leap seconds.
  package let millisecondsSinceEpoch: Int64

  /// Takes the milliseconds since 1970-01-01T00:00:00Z, also negative ones.
  package init(millisecondsSinceEpoch: Int64) { self.millisecondsSinceEpoch = millisecondsSinceEpoch }

  /// The moment as `2026-11-21T14:03:11.123Z`.
  package var description: String {
    var bytes: [UInt8] = []
    append(to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Appends `2026-11-21T14:03:11.123Z` ([RFC 3339](https://www.rfc-editor.org/rfc/rfc3339)).
  ///
  /// Years have four digits: the years 0 to 9999.
  func append(to bytes: inout [UInt8]) {
    let (days, milliseconds) = millisecondsSinceEpoch.flooredDivision(by: 86_400_000)
    let date = CivilDate(daysSinceEpoch: days)
    bytes.append(date.year, digits: 4, then: "-")
    bytes.append(date.month, digits: 2, then: "-")
    bytes.append(date.day, digits: 2, then: "T")
    bytes.append(milliseconds / 3_600_000, digits: 2, then: ":")
    bytes.append(milliseconds / 60_000 % 60, digits: 2, then: ":")
    bytes.append(milliseconds / 1000 % 60, digits: 2, then: ".")
    bytes.append(milliseconds % 1000, digits: 3, then: "Z")
  }
}

/// A date of the proleptic Gregorian calendar.
///
/// The arithmetic is `civil_from_days` of Howard Hinnant's
/// [date algorithms](https://howardhinnant.github.io/date_algorithms.html): years begin in March, so that the leap day
/// is the last day of its year, and repeat every 400 years ("an era"). `gmtime_r` would need C's `tm` and its pointers.
private struct CivilDate {
  let year: Int64
  let month: Int64
  let day: Int64

  init(daysSinceEpoch: Int64) {
    let daysFromYearZeroToEpoch: Int64 = 719_468
    let (era, dayOfEra) = (daysSinceEpoch + daysFromYearZeroToEpoch).flooredDivision(by: 146_097)
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let monthFromMarch = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
    month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }
}

extension Int64 {
  fileprivate func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ number: Int64, digits: Int, then separator: Unicode.Scalar) {
    let text = String(number)
    append(contentsOf: repeatElement(UInt8(ascii: "0"), count: Swift.max(0, digits - text.utf8.count)))
    append(contentsOf: text.utf8)
    append(UInt8(ascii: separator))
  }
}
