/// A fingerprint of a span's name: equal names have equal keys, and different names have different ones.
///
/// The loop that reads a request makes it while the name is in its cache, so that the writer need not look at the bytes
/// of the request again. 128 bits with a secret that is drawn at every start: nobody can make two names collide, and
/// chance will not. Keys mean nothing outside the process.
package struct NameKey: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  /// The key of an empty name.
  package static let empty = NameKey(high: 0, low: 0)

  private init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// Makes the key of the name at `range`.
  package init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
    guard !range.isEmpty else {
      self = .empty
      return
    }
    let secret = Self.secret
    var high = secret.0 ^ UInt64(range.count)
    var low = secret.1
    var position = range.lowerBound
    precondition(range.lowerBound >= 0 && range.upperBound <= bytes.count)
    while range.upperBound &- position >= 8 {
      let word = unsafe bytes.bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self)
      high = Self.mix(high ^ word, secret.2)
      low = Self.mix(low ^ word, secret.3)
      position &+= 8
    }
    var last: UInt64 = 0
    while position < range.upperBound {
      last = last << 8 | UInt64(unsafe bytes[unchecked: position])
      position &+= 1
    }
    self.high = Self.mix(high ^ last, secret.2)
    self.low = Self.mix(low ^ last, secret.3)
  }

  @inline(__always)
  private static func mix(_ first: UInt64, _ second: UInt64) -> UInt64 {
    let (high, low) = first.multipliedFullWidth(by: second)
    return high ^ low ^ first
  }

  // Odd, so that no multiplication loses everything.
  private static let secret = (
    UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max) | 1,
    UInt64.random(in: .min ... .max) | 1
  )
}
