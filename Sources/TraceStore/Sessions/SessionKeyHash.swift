/// The SHA-256 hash of a session key; the store never has the key itself.
package struct SessionKeyHash: Hashable, Sendable {
  /// Bytes of a hash.
  package static let byteCount = 32

  private let first: UInt64
  private let second: UInt64
  private let third: UInt64
  private let fourth: UInt64

  /// - Returns: `nil` unless there are 32 bytes.
  package init?(_ bytes: Span<UInt8>) {
    guard bytes.count == Self.byteCount else { return nil }
    first = Self.number(bytes, 0)
    second = Self.number(bytes, 8)
    third = Self.number(bytes, 16)
    fourth = Self.number(bytes, 24)
  }

  private static func number(_ bytes: Span<UInt8>, _ start: Int) -> UInt64 {
    var number: UInt64 = 0
    for index in start..<start + 8 { number = number << 8 | UInt64(bytes[index]) }
    return number
  }

  /// The 32 bytes.
  package var bytes: [UInt8] {
    [first, second, third, fourth].flatMap { number in
      (0..<8).map { UInt8(truncatingIfNeeded: number >> UInt64(56 - 8 * $0)) }
    }
  }
}

extension SessionKeyHash: CustomStringConvertible, CustomReflectable {
  /// Hides the hash, also from `dump` and string interpolation.
  package var description: String { "sha256:..." }
  /// No children, so that `dump` finds nothing.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
