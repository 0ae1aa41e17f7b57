import Credentials
package import TraceStore

/// A key that stands for a session: who shows it is the agent of that session.
///
/// The key itself leaves the process once, in the answer that hands it out; only its hash is kept.
package enum SessionKey {
  package static let prefix = "sk-sess-"
  /// Characters after the prefix: 256 bits.
  private static let digits = 43

  /// Makes a key from the random source of the system.
  package static func mint() -> String {
    var generator = SystemRandomNumberGenerator()
    var text = Array(prefix.utf8)
    text.reserveCapacity(text.count + digits)
    var bits: UInt32 = 0
    var count: UInt32 = 0
    for _ in 0..<SessionKeyHash.byteCount {
      bits = bits << 8 | UInt32(UInt8.random(in: 0...255, using: &generator))
      count += 8
      while count >= 6 {
        count -= 6
        text.append(digit(UInt8(truncatingIfNeeded: bits >> count) & 63))
      }
    }
    text.append(digit(UInt8(truncatingIfNeeded: bits << (6 - count)) & 63))
    return String(decoding: text, as: UTF8.self)
  }

  /// A digit of base64 for URLs ([RFC 4648, 5](https://www.rfc-editor.org/rfc/rfc4648#section-5)).
  private static func digit(_ value: UInt8) -> UInt8 {
    switch value {
    case 0..<26: UInt8(ascii: "A") + value
    case 26..<52: UInt8(ascii: "a") + value - 26
    case 52..<62: UInt8(ascii: "0") + value - 52
    case 62: UInt8(ascii: "-")
    default: UInt8(ascii: "_")
    }
  }

  /// The hash by which a key is known.
  ///
  /// - Returns: `nil` for a text that is no session key.
  package static func hash(_ key: String) -> SessionKeyHash? {
    guard key.hasPrefix(prefix), key.utf8.count == prefix.utf8.count + digits else { return nil }
    let digest = SHA256Digest(hashing: Array(key.utf8).span)
    return SessionKeyHash(digest.bytes.span)
  }
}
