/// The hash of a bearer token, as a configuration holds it: `sha256:` and 64 hexadecimal digits.
///
/// Configurations, dumps and backups hold hashes, so that none of them lets its reader in. Tokens are long random
/// strings, not passwords, so one plain SHA-256 is enough.
package struct TokenHash: Sendable, Equatable {
  let digest: SHA256Digest

  /// Hashes a token.
  package init(hashing token: String) { digest = SHA256Digest(hashing: Array(token.utf8).span) }

  /// Reads `sha256:<64 hexadecimal digits>`.
  ///
  /// - Throws: ``TokenHashError``, which does not repeat the text: people put the token itself there by mistake.
  package init(_ text: some StringProtocol) throws(TokenHashError) {
    guard text.hasPrefix(Self.prefix), let digest = SHA256Digest(hexadecimal: text.dropFirst(Self.prefix.count)) else {
      throw .malformed
    }
    guard !digest.equalsInConstantTime(Self.ofNothing) else { throw .empty }
    self.digest = digest
  }

  /// The form that ``init(_:)`` reads.
  package var text: String { Self.prefix + digest.hexadecimal }

  /// Compares in constant time.
  package static func == (first: TokenHash, second: TokenHash) -> Bool {
    first.digest.equalsInConstantTime(second.digest)
  }

  private static let prefix = "sha256:"
  private static let ofNothing = SHA256Digest(hashing: [UInt8]().span)
}

extension TokenHash: CustomStringConvertible, CustomReflectable {
  /// Hides the hash, also from `dump` and string interpolation.
  package var description: String { "sha256:..." }
  /// No children, so that `dump` finds nothing.
  package var customMirror: Mirror { Mirror(self, children: []) }
}

/// Why a text is not the hash of a token.
package enum TokenHashError: Error, Hashable, Sendable, CustomStringConvertible {
  case malformed
  /// The hash of the empty string, which `sha256sum` prints when the token got lost on the way.
  case empty

  /// What is allowed; never the text that was refused.
  package var description: String {
    switch self {
    case .malformed: "expected sha256: and 64 hexadecimal digits (the value is not shown)"
    case .empty: "this is the hash of an empty token"
    }
  }
}
