/// The wrapper around deflate data.
enum DeflateFormat {
  /// RFC 1952: header, data, CRC-32 and size; members may follow one another.
  case gzip
  /// RFC 1950: two bytes of header, data, Adler-32.
  case zlib
  /// RFC 1951: the data alone.
  case raw

  /// Whether another stream may follow the end of the first.
  var isConcatenable: Bool { self == .gzip }

  /// The format of a body that was announced as `deflate`.
  ///
  /// RFC 9110 means zlib, yet clients exist that send raw data. The two cannot be confused: the low bits 1000 of a
  /// zlib header would start a stored block with a padding bit set, which no encoder writes.
  static func ofDeflateBody(_ bytes: Span<UInt8>) -> DeflateFormat {
    guard bytes.count >= 2 else { return .raw }
    let method = bytes[0]
    let isZlib = method & 0x0F == 8 && method >> 4 <= 7 && (UInt16(method) << 8 | UInt16(bytes[1])) % 31 == 0
    return isZlib ? .zlib : .raw
  }
}
