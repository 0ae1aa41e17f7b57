/// A number of a JSON text that was checked but not converted.
///
/// Whoever asked for it knows whether it is to be an integer or a double; converting late loses nothing.
@frozen public struct JSONNumber: Hashable, Sendable {
  /// Where the number lies in the text.
  public let range: Range<Int>
  /// Whether it is written without fraction and exponent.
  public let isInteger: Bool

  @inlinable init(range: Range<Int>, isInteger: Bool) {
    self.range = range
    self.isInteger = isInteger
  }
}

extension JSONReader {
  /// Reads a number.
  @inlinable
  @_lifetime(self: copy self)
  public mutating func number() throws(JSONError) -> JSONNumber {
    let first = try nextByte()
    guard first == UInt8(ascii: "-") || Self.isDigit(first) else { throw JSONError(.wrongType, at: position) }
    let start = position
    var isInteger = true
    skip(UInt8(ascii: "-"))
    if !skip(UInt8(ascii: "0")) { try skipDigits() }
    if skip(UInt8(ascii: ".")) {
      isInteger = false
      try skipDigits()
    }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      isInteger = false
      if !skip(UInt8(ascii: "+")) { skip(UInt8(ascii: "-")) }
      try skipDigits()
    }
    // A digit can only follow here after a leading zero.
    if position < bytes.count, Self.isDigit(bytes[position]) { throw JSONError(.malformedNumber, at: position) }
    return JSONNumber(range: start..<position, isInteger: isInteger)
  }

  @inlinable @inline(__always)
  static func isDigit(_ byte: UInt8) -> Bool { byte &- UInt8(ascii: "0") < 10 }

  @inlinable @inline(__always)
  @discardableResult
  @_lifetime(self: copy self)
  mutating func skip(_ byte: UInt8) -> Bool {
    guard position < bytes.count, unsafe bytes[unchecked: position] == byte else { return false }
    position &+= 1
    return true
  }

  /// Steps over at least one digit.
  @inlinable @inline(__always)
  @_lifetime(self: copy self)
  mutating func skipDigits() throws(JSONError) {
    let start = position
    while position < bytes.count, Self.isDigit(unsafe bytes[unchecked: position]) { position &+= 1 }
    guard position > start else { throw JSONError(.malformedNumber, at: position) }
  }

  /// The number as a 64-bit integer; `nil` when it is out of range or not integral.
  ///
  /// `1e3` and `2.0` are integers.
  public func int64(_ number: JSONNumber) -> Int64? { DecimalText(bytes, at: number.range)?.int64 }

  /// The number as an unsigned 64-bit integer; `nil` when it is out of range or not integral.
  public func uint64(_ number: JSONNumber) -> UInt64? { DecimalText(bytes, at: number.range)?.uint64 }

  /// The nearest double; `nil` when the number is beyond the largest one.
  public func double(_ number: JSONNumber) -> Double? { DecimalText(bytes, at: number.range)?.double }
}
