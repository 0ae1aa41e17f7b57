extension JSONWriter {
  /// Writes bytes as a string of lower-case hexadecimal digits.
  ///
  /// - Precondition: `range` lies inside the span.
  @inlinable public mutating func hexadecimal(_ data: Span<UInt8>, at range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= data.count)
    let digits = range.count * 2
    unsafe writeQuoted(upTo: digits) { target in
      unsafe Hexadecimal.write(data, at: range, to: target)
      return digits
    }
  }

  /// Writes bytes as a string of base64 with padding.
  ///
  /// [RFC 4648, section 4](https://www.rfc-editor.org/rfc/rfc4648#section-4)
  ///
  /// - Precondition: `range` lies inside the span.
  public mutating func base64(_ data: Span<UInt8>, at range: Range<Int>) {
    precondition(range.lowerBound >= 0 && range.upperBound <= data.count)
    separate()
    bytes.append(addingCapacity: (range.count + 2) / 3 * 4 + 2) { output in
      output.append(UInt8(ascii: "\""))
      for start in stride(from: range.lowerBound, to: range.upperBound, by: 3) {
        let count = min(3, range.upperBound - start)
        var group: UInt32 = 0
        for index in 0..<3 { group = group << 8 | (index < count ? UInt32(data[start + index]) : 0) }
        for index in 0..<4 {
          let digit = UInt8(truncatingIfNeeded: group >> (18 - 6 * UInt32(index)) & 0x3F)
          output.append(index <= count ? Base64.character(digit) : UInt8(ascii: "="))
        }
      }
      output.append(UInt8(ascii: "\""))
    }
  }
}
