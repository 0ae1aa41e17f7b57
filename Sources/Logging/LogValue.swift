/// The value of a field of a log line.
package enum LogValue: Hashable, Sendable {
  case text(String)
  case integer(Int64)
  case unsigned(UInt64)
  case number(Double)
  case boolean(Bool)
  /// Written in seconds.
  case duration(Duration)

  /// Takes the text of an error, an identifier, an address.
  package static func described(_ value: some CustomStringConvertible) -> LogValue { .text(value.description) }

  /// Takes a number of any width, clamped to 64 bits.
  package static func count(_ value: some BinaryInteger) -> LogValue { .integer(Int64(clamping: value)) }
}

extension LogValue: ExpressibleByStringInterpolation {
  /// Takes a literal, also an interpolated one, as text.
  package init(stringLiteral value: String) { self = .text(value) }
}

extension LogValue: ExpressibleByIntegerLiteral {
  /// Takes a literal as a whole number.
  package init(integerLiteral value: Int64) { self = .integer(value) }
}

extension LogValue: ExpressibleByFloatLiteral {
  /// Takes a literal as a number.
  package init(floatLiteral value: Double) { self = .number(value) }
}

extension LogValue: ExpressibleByBooleanLiteral {
  /// Takes a literal as true or false.
  package init(booleanLiteral value: Bool) { self = .boolean(value) }
}
