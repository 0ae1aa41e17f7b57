/// The tokens that open a route set.
///
/// An empty set accepts nobody; whether a route set without tokens is open is for its owner to decide.
package struct TokenSet: Sendable, Equatable {
  private var hashes: [TokenHash]

  /// Collects hashes; none makes a set that accepts nobody.
  package init(_ hashes: [TokenHash] = []) { self.hashes = hashes }

  /// Reads the hashes of a configuration.
  package init(_ texts: some Sequence<String>) throws(TokenHashError) {
    hashes = []
    for text in texts { hashes.append(try TokenHash(text)) }
  }

  /// Whether there is no token at all.
  package var isEmpty: Bool { hashes.isEmpty }
  /// The number of tokens.
  package var count: Int { hashes.count }

  /// Adds the tokens of another set.
  package mutating func formUnion(_ other: TokenSet) { hashes += other.hashes }

  /// Whether the token is one of the set.
  ///
  /// The time depends on the length of the token and on the size of the set alone: hashes are compared, in constant
  /// time, and all of them.
  package func accepts(bearer token: Span<UInt8>) -> Bool {
    if hashes.isEmpty { return false }
    let digest = SHA256Digest(hashing: token)
    var isAccepted = false
    for hash in hashes {
      let isEqual = hash.digest.equalsInConstantTime(digest)
      isAccepted = isAccepted || isEqual
    }
    return isAccepted
  }

  /// Whether the token is one of the set, in constant time.
  package func accepts(bearer token: String) -> Bool { accepts(bearer: Array(token.utf8).span) }

  /// Whether a request may pass that came with this `Authorization` header.
  ///
  /// - Parameter authorization: The value of the header, `nil` when the request has none.
  package func accepts(authorization: String?) -> Bool {
    guard let authorization, let token = BearerToken(authorization: authorization) else { return false }
    return accepts(token)
  }

  /// Whether the token of a header is one of the set, in constant time.
  package func accepts(_ token: BearerToken) -> Bool { accepts(bearer: token.text) }
}

extension TokenSet: CustomStringConvertible, CustomReflectable {
  /// The number of tokens, never their hashes.
  package var description: String { count == 1 ? "1 token" : "\(count) tokens" }
  /// No children, so that `dump` finds nothing.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
