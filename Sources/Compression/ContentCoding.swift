/// A content coding of HTTP that a request body may use.
///
/// [RFC 9110, section 8.4.1](https://www.rfc-editor.org/rfc/rfc9110#section-8.4.1)
package enum ContentCoding: Hashable, Sendable, CaseIterable {
  /// The bytes as they are.
  case identity
  /// RFC 1952, one member or several.
  case gzip
  /// The zlib format of RFC 1950; bare RFC 1951 data, which some clients send instead, is read as well.
  case deflate
  /// RFC 8878, one frame or several.
  case zstd

  /// Reads the value of a `Content-Encoding` field, or of gRPC's `grpc-encoding`.
  ///
  /// Names match without regard to case; an empty value means `identity`. A coding that is not known and a list of
  /// codings give `nil`: no OTLP client applies two.
  package init?(fieldValue: String) {
    let name = fieldValue.drop(while: \.isOptionalWhitespace)
    let end = name.lastIndex { !$0.isOptionalWhitespace }.map(name.index(after:)) ?? name.endIndex
    switch name[..<end].lowercased() {
    case "", "identity": self = .identity
    // RFC 9110, section 8.4.1.3: "x-gzip" is to be treated as "gzip".
    case "gzip", "x-gzip": self = .gzip
    case "deflate": self = .deflate
    case "zstd": self = .zstd
    default: return nil
    }
  }

  /// The registered name, as a field value.
  package var fieldValue: String {
    switch self {
    case .identity: "identity"
    case .gzip: "gzip"
    case .deflate: "deflate"
    case .zstd: "zstd"
    }
  }
}

extension Character {
  /// Space or tab, which RFC 9110 allows around a field value.
  fileprivate var isOptionalWhitespace: Bool { self == " " || self == "\t" }
}
