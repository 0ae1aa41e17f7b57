extension JSONWriter {
  /// Writes an integer as a number.
  @inlinable public mutating func integer(_ value: Int64) {
    unsafe writeValue(upTo: DecimalDigits.maximumCount) { target in unsafe DecimalDigits.write(value, to: target) }
  }

  /// Writes an unsigned integer as a number.
  @inlinable public mutating func unsigned(_ value: UInt64) {
    unsafe writeValue(upTo: DecimalDigits.maximumCount) { target in unsafe DecimalDigits.write(value, to: target) }
  }

  /// Writes an integer as a string, as the proto3 JSON mapping does with 64-bit integers.
  @inlinable public mutating func integerString(_ value: Int64) {
    unsafe writeQuoted(upTo: DecimalDigits.maximumCount) { target in unsafe DecimalDigits.write(value, to: target) }
  }

  /// Writes an unsigned integer as a string.
  @inlinable public mutating func unsignedString(_ value: UInt64) {
    unsafe writeQuoted(upTo: DecimalDigits.maximumCount) { target in unsafe DecimalDigits.write(value, to: target) }
  }

  /// Writes a double with the fewest digits that read back as the same value, the way Python does: `1.0`, `1e-05`.
  ///
  /// JSON has no number for what is not finite: that becomes the string `"NaN"`, `"Infinity"` or `"-Infinity"`.
  public mutating func double(_ value: Double) {
    guard value.isFinite else {
      return string(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    }
    // Python writes integral doubles without an exponent up to 1e16, Swift up to 2^53; elsewhere the two agree. In this
    // range the shortest digits are those of the integer itself, which is also quicker to write.
    if abs(value) < 1e16, case let integer = Int64(value), Double(integer) == value,
      integer != 0 || value.sign == .plus
    {
      self.integer(integer)
      continuation(".0")
    } else if let seconds = SecondsText(value) {
      unsafe writeValue(upTo: SecondsText.maximumCount) { target in unsafe seconds.write(to: target) }
    } else {
      separate()
      bytes.append(contentsOf: value.description.utf8)
    }
  }
}
