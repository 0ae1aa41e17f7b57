/// A section whose entries get their names from the user, each with the same options: `llm.upstreams.NAME.base_url`.
///
/// Its table is a function of the name. For a name that a source gives it is the table of that entry; for
/// ``placeholder`` it is what the documentation shows.
package struct NamedSection: Sendable {
  /// The words that lead to the names, joined by dots: `llm.upstreams`.
  package let path: String
  /// What an entry is, and how its name may look.
  package let documentation: String
  /// Options that are not there on purpose, with what to do instead.
  let refusals: [String: String]
  /// The options of the entry with this name.
  let options: @Sendable (_ name: String) -> [ConfigurationOption]

  /// Stands for any name in the documentation; not a name itself.
  package static let placeholder = "NAME"

  /// What a name may look like, as error messages say it.
  static let nameExpectation =
    "1 to 63 lower-case letters, digits, hyphens and underscores that begin with a letter or a digit"

  /// Whether a text matches `[a-z0-9][a-z0-9_-]{0,62}`.
  static func isName(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, isLetterOrDigit(first), text.utf8.count <= 63 else { return false }
    return text.utf8.allSatisfy { isLetterOrDigit($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
  }

  /// The options as the documentation shows them.
  package var documentedOptions: [ConfigurationOption] { options(Self.placeholder) }

  /// The options behind the name, such as `base_url`.
  var words: [String] { documentedOptions.compactMap { option(in: $0.path).map(String.init) } }

  /// The name in the path of an entry or of one of its options, which need not exist.
  ///
  /// - Returns: `nil` for paths elsewhere.
  func name(in path: String) -> Substring? { rest(of: path)?.prefix { $0 != "." } }

  /// What stands behind the name; `nil` for paths elsewhere and for the entry itself.
  func option(in path: String) -> Substring? {
    guard let rest = rest(of: path), let dot = rest.firstIndex(of: ".") else { return nil }
    return rest[rest.index(after: dot)...]
  }

  private func rest(of path: String) -> Substring? {
    path.hasPrefix(self.path + ".") ? path.dropFirst(self.path.count + 1) : nil
  }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
