/// The value of an option as a source spells it.
package enum ConfigurationValue: Hashable, Sendable {
  case text(String)
  case list([String])

  /// The value as an error message shows it: quoted, without control characters, and not endless.
  var shown: String {
    switch self {
    case .text(let text): quote(text)
    case .list: "a list"
    }
  }
}

/// Shows a text from outside in an error message.
func quote(_ text: String) -> String {
  let longest = 80
  let start = text.unicodeScalars.prefix(longest).map { scalar in
    scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
  }
  return "\"" + start.joined() + (text.unicodeScalars.count > longest ? "..." : "") + "\""
}
