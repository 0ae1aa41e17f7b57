/// A content coding of HTTP that an answer may use, wider than the ``ContentCoding`` that requests may.
///
/// [RFC 9110, section 8.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1)
package enum ResponseCoding: Hashable, Sendable, CaseIterable {
  /// The bytes as they are.
  case identity
  /// RFC 1952, one member or several.
  case gzip
  /// The zlib format of RFC 1950, or bare RFC 1951 data.
  case deflate
  /// RFC 8878, one frame or several.
  case zstd
  /// RFC 7932.
  case brotli

  /// Reads the value of a `Content-Encoding` field; `nil` for a coding that is not known and for a list of codings.
  package init?(fieldValue: String) {
    switch ContentCoding(fieldValue: fieldValue) {
    case .identity: self = .identity
    case .gzip: self = .gzip
    case .deflate: self = .deflate
    case .zstd: self = .zstd
    case nil:
      guard fieldValue.trimmingOptionalWhitespace.lowercased() == "br" else { return nil }
      self = .brotli
    }
  }
}

extension String {
  fileprivate var trimmingOptionalWhitespace: Substring {
    let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
    var text = self[...].drop(while: isSpace)
    while let last = text.last, isSpace(last) { text.removeLast() }
    return text
  }
}
