/// The token of an `Authorization: Bearer` header ([RFC 6750, 2.1](https://www.rfc-editor.org/rfc/rfc6750#section-2.1)).
///
/// The token is not shown when the value is printed or dumped.
package struct BearerToken: Sendable {
  let text: String

  /// Reads the value of an `Authorization` header.
  ///
  /// The scheme is compared without regard to case. The token may be any visible ASCII characters: more than the RFC
  /// allows, as other servers do, because its content is only ever hashed.
  ///
  /// - Returns: `nil` for another scheme, for no token, and for a token with spaces or other characters.
  package init?(authorization value: String) {
    let bytes = value.utf8
    guard let space = bytes.firstIndex(of: UInt8(ascii: " ")) else { return nil }
    guard value[..<space].lowercased() == "bearer" else { return nil }
    var token = bytes[space...].drop { $0 == UInt8(ascii: " ") }
    while token.last == UInt8(ascii: " ") { token.removeLast() }
    guard !token.isEmpty, token.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    text = String(decoding: token, as: UTF8.self)
  }
}

extension BearerToken: CustomStringConvertible, CustomReflectable {
  /// Hides the token, also from `dump` and string interpolation.
  package var description: String { "Bearer ..." }
  /// No children, so that `dump` finds nothing.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
