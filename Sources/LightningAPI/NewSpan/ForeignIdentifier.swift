import Telemetry

/// Ids of the log for ids that are any text.
///
/// Agent Lightning lets a client call its traces and spans as it likes, in UUIDs for example; OTLP wants 16 and 8 bytes.
/// Digits that are such bytes are taken as they are; any other text becomes a hash of itself, so that the same text is
/// the same id at all times. What the client reads back is its text.
enum ForeignIdentifier {
  static func traceID(_ text: String) -> TraceID {
    if isCanonical(text, count: 32), let id = TraceID(hex: text) { return id }
    // FNV-1a with 128 bits.
    var hash: UInt128 = 0x6C62_272E_07BB_0142_62B8_2175_6295_C58D
    for byte in text.utf8 { hash = (hash ^ UInt128(byte)) &* 0x0000_0000_0100_0000_0000_0000_0000_013B }
    // Zero is no id.
    return TraceID(high: UInt64(truncatingIfNeeded: hash >> 64), low: max(1, UInt64(truncatingIfNeeded: hash)))
  }

  static func spanID(_ text: String) -> UInt64 {
    if isCanonical(text, count: 16), let id = UInt64(text, radix: 16), id != 0 { return id }
    var hash = FNV1a64()
    hash.add(text.utf8)
    return max(1, hash.value)
  }

  /// The id of a parent, 0 for none: zeros are how some clients write that.
  static func parentID(_ text: String?) -> UInt64 {
    guard let text, !text.utf8.allSatisfy({ $0 == UInt8(ascii: "0") }) else { return 0 }
    return spanID(text)
  }

  /// Whether a text is the lower-case digits of an id.
  private static func isCanonical(_ text: String, count: Int) -> Bool {
    text.utf8.count == count
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
  }
}
