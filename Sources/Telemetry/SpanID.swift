/// The 8-byte identifier of a span, unique within its trace.
///
/// [Trace context, parent-id](https://www.w3.org/TR/trace-context/#parent-id)
@frozen public struct SpanID: Hashable, Sendable, CustomStringConvertible {
  /// The eight bytes, as a big-endian number.
  public let value: UInt64

  @inlinable public init(value: UInt64) { self.value = value }

  /// Reads 16 hexadecimal digits in either case.
  ///
  /// - Returns: `nil` for any other text, and for the invalid id of zeros.
  public init?(hex: String) {
    guard hex.utf8.count == 16, let value = UInt64(hexDigits: hex.utf8[...]), value != 0 else { return nil }
    self.value = value
  }

  /// Whether this names a span: an id of zeros does not.
  @inlinable public var isValid: Bool { value != 0 }

  /// 16 lower-case hexadecimal digits.
  public var description: String { value.hexDigits }
}
