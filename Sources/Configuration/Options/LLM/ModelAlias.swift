/// A model that clients ask for, and what the upstream calls it.
package struct ModelAlias: Sendable, Hashable, CustomStringConvertible {
  /// What clients call it.
  package let alias: String
  /// What the upstream calls it.
  package let model: String

  /// Reads `MODEL` or `ALIAS=MODEL`.
  ///
  /// - Returns: `nil` when one of them is empty, or holds a space or a control character.
  package init?(_ text: String) {
    guard text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
    let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    guard parts.allSatisfy({ !$0.isEmpty }), let first = parts.first, let last = parts.last else { return nil }
    (alias, model) = (first, last)
  }

  /// The form that `init(_:)` reads.
  package var description: String { alias == model ? model : "\(alias)=\(model)" }
}
