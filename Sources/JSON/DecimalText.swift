/// A decimal number in text, taken apart without rounding.
public struct DecimalText: ~Escapable {
  private let bytes: Span<UInt8>
  private let range: Range<Int>
  private let isNegative: Bool
  /// The digits before the exponent; a decimal point may stand among them.
  private let digits: Range<Int>
  private let digitCount: Int
  /// The power of ten of the last digit.
  private let exponent: Int

  /// Takes apart `-`? digits (`.` digits)? ([eE] [+-]? digits)?, which is JSON's grammar with leading zeros allowed.
  ///
  /// - Returns: `nil` for any other text.
  /// - Precondition: `range` lies inside the span.
  @_lifetime(copy bytes)
  public init?(_ bytes: Span<UInt8>, at range: Range<Int>) {
    var offset = range.lowerBound
    func digitCount() -> Int {
      let start = offset
      while offset < range.upperBound, JSONReader.isDigit(bytes[offset]) { offset += 1 }
      return offset - start
    }
    func skip(_ byte: UInt8) -> Bool {
      guard offset < range.upperBound, bytes[offset] == byte else { return false }
      offset += 1
      return true
    }

    let isNegative = skip(UInt8(ascii: "-"))
    let start = offset
    let integerDigits = digitCount()
    guard integerDigits > 0 else { return nil }
    var fractionDigits = 0
    if skip(UInt8(ascii: ".")) {
      fractionDigits = digitCount()
      guard fractionDigits > 0 else { return nil }
    }
    let end = offset
    var exponent = 0
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      let isNegativeExponent = !skip(UInt8(ascii: "+")) && skip(UInt8(ascii: "-"))
      let first = offset
      guard digitCount() > 0 else { return nil }
      for index in first..<offset {
        // Saturates far beyond every number that has a value, and far from overflow.
        exponent = min(exponent * 10 + Int(bytes[index] - UInt8(ascii: "0")), 1 << 40)
      }
      if isNegativeExponent { exponent = -exponent }
    }
    guard offset == range.upperBound else { return nil }

    self.bytes = bytes
    self.range = range
    self.isNegative = isNegative
    self.digits = start..<end
    self.digitCount = integerDigits + fractionDigits
    self.exponent = exponent - fractionDigits
  }

  /// The value, if it is integral and in range.
  public var int64: Int64? {
    guard let magnitude else { return nil }
    if isNegative { return magnitude <= 1 << 63 ? Int64(truncatingIfNeeded: 0 &- magnitude) : nil }
    return Int64(exactly: magnitude)
  }

  /// The value, if it is integral and in range.
  public var uint64: UInt64? {
    guard let magnitude, !isNegative || magnitude == 0 else { return nil }
    return magnitude
  }

  /// The nearest double; `nil` when the value is beyond the largest one.
  public var double: Double? {
    // Clinger's fast path: both the digits and the power of ten are exact, so one rounding gives the nearest double.
    if digitCount <= 15, abs(exponent) <= 22 {
      var digits: UInt64 = 0
      forEachDigit { digits = digits &* 10 &+ UInt64($0) }
      let power = Self.powersOfTen[abs(exponent)]
      let magnitude = exponent < 0 ? Double(digits) / power : Double(digits) * power
      return isNegative ? -magnitude : magnitude
    }
    let text = unsafe bytes.extracting(range).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    guard let value = Double(text), value.isFinite else { return nil }
    return value
  }

  /// The absolute value, if it is integral and has 64 bits.
  private var magnitude: UInt64? {
    // A fraction must be all zeros.
    let integerDigits = digitCount + min(exponent, 0)
    var result: UInt64 = 0
    var isExact = true
    var index = 0
    forEachDigit { digit in
      if index < integerDigits {
        let (product, overflow) = result.multipliedReportingOverflow(by: 10)
        let (sum, carry) = product.addingReportingOverflow(UInt64(digit))
        result = sum
        if overflow || carry { isExact = false }
      } else if digit != 0 {
        isExact = false
      }
      index += 1
    }
    guard isExact else { return nil }
    var zeros = max(exponent, 0)
    while zeros > 0, result > 0 {
      let (product, overflow) = result.multipliedReportingOverflow(by: 10)
      guard !overflow else { return nil }
      result = product
      zeros -= 1
    }
    return result
  }

  private func forEachDigit(_ body: (UInt8) -> Void) {
    for index in digits where bytes[index] != UInt8(ascii: ".") { body(bytes[index] - UInt8(ascii: "0")) }
  }

  private static let powersOfTen: [Double] = [
    1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]
}
