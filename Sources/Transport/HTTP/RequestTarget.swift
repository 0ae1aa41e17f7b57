/// A request target split into what routing needs
/// ([RFC 9112, section 3.2](https://www.rfc-editor.org/rfc/rfc9112#section-3.2)).
struct RequestTarget: Hashable {
  /// The path, still percent-encoded; `*` for the asterisk form.
  var path: String
  /// What follows the first question mark, without it.
  var query: String?
  /// The authority of an absolute-form target, which outranks the `Host` field.
  var authority: String?

  /// Splits a target in origin form (`/path?query`), absolute form (`http://host/path`) or asterisk form (`*`).
  ///
  /// Fails for anything else.
  init?(_ bytes: some BidirectionalCollection<UInt8>) {
    // A fragment has no meaning on the wire; some clients send one nevertheless.
    let target = bytes.prefix { $0 != UInt8(ascii: "#") }
    guard let first = target.first else { return nil }
    if first == UInt8(ascii: "/") {
      self.init(origin: target, authority: nil)
      return
    }
    if first == UInt8(ascii: "*") && target.count == 1 {
      self.init(origin: target, authority: nil)
      return
    }
    guard let start = Self.authorityStart(target) else { return nil }
    let rest = target[start...]
    let authorityEnd =
      rest.firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? rest.endIndex
    guard authorityEnd != rest.startIndex else { return nil }
    let authority = String(decoding: rest[..<authorityEnd], as: UTF8.self)
    self.init(origin: rest[authorityEnd...], authority: authority)
  }

  private init(origin: some Collection<UInt8>, authority: String?) {
    let mark = origin.firstIndex(of: UInt8(ascii: "?"))
    let path = String(decoding: origin[..<(mark ?? origin.endIndex)], as: UTF8.self)
    self.path = path.isEmpty ? "/" : path
    self.query = mark.map { String(decoding: origin[origin.index(after: $0)...], as: UTF8.self) }
    self.authority = authority
  }

  /// Where the authority of `http://` or `https://` starts.
  private static func authorityStart<Bytes: BidirectionalCollection<UInt8>>(_ target: Bytes) -> Bytes.Index? {
    for scheme in ["http://", "https://"] {
      let prefix = target.prefix(scheme.utf8.count)
      // Schemes are case-insensitive; bit 5 is all that differs between the cases of a letter.
      let isEqual = prefix.elementsEqual(scheme.utf8) { byte, expected in
        byte == expected || (byte | 0x20 == expected && byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z"))
      }
      if isEqual { return prefix.endIndex }
    }
    return nil
  }
}
