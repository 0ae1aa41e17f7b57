/// The 16-byte identifier of a trace.
///
/// [Trace context, trace-id](https://www.w3.org/TR/trace-context/#trace-id)
@frozen public struct TraceID: Hashable, Sendable, CustomStringConvertible {
  /// The first eight bytes, as a big-endian number.
  public let high: UInt64
  /// The last eight bytes, as a big-endian number.
  public let low: UInt64

  @inlinable public init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Reads 32 hexadecimal digits in either case.
  ///
  /// - Returns: `nil` for any other text, and for the invalid id of zeros.
  public init?(hex: String) {
    guard hex.utf8.count == 32 else { return nil }
    guard let high = UInt64(hexDigits: hex.utf8.prefix(16)), let low = UInt64(hexDigits: hex.utf8.suffix(16)) else {
      return nil
    }
    self.init(high: high, low: low)
    guard isValid else { return nil }
  }

  /// Whether this names a trace: an id of zeros does not.
  @inlinable public var isValid: Bool { high | low != 0 }

  /// 32 lower-case hexadecimal digits.
  public var description: String { high.hexDigits + low.hexDigits }
}
