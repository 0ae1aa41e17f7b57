internal import Credentials

extension ConfigurationFormat<Bool> {
  static let boolean = Self(
    "boolean", expecting: "true or false",
    parse: { ["true": true, "false": false][$0] }, render: { $0 ? "true" : "false" })
}

extension ConfigurationFormat<Int> {
  /// A whole number of decimal digits.
  static func integer(_ range: ClosedRange<Int>) -> Self {
    Self(
      "whole number", expecting: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      parse: { text in
        guard let value = decimal(text), range.contains(value) else { return nil }
        return value
      },
      render: { String($0) })
  }
}

extension ConfigurationFormat<String> {
  /// A path of a file or folder; empty stands for none.
  static let path = Self(
    "path", expecting: "a path without NUL characters",
    parse: { $0.utf8.contains(0) ? nil : $0 }, render: { $0 })
}

extension ConfigurationFormat<[String]> {
  /// Origins as a browser sends them in `Origin`, without a slash at the end; `*` stands for all.
  static let origins = list(
    "list of origins", expecting: "origins such as http://localhost:3000, or *",
    parse: { text in
      if text == "*" { return text }
      let parts = text.split(separator: "://", maxSplits: 1)
      let isOrigin =
        parts.count == 2 && parts[1].utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "/") }
      return isOrigin ? text : nil
    }, render: \.self)
}

extension ConfigurationFormat where Value: CaseIterable & Sendable, Value.AllCases: Sendable {
  /// One of a few words.
  static func word(named name: @escaping @Sendable (Value) -> String) -> Self {
    let words = Value.allCases.map(name)
    return Self(
      words.joined(separator: ", "), expecting: "one of " + words.joined(separator: ", "),
      parse: { text in Value.allCases.first { name($0) == text } }, render: name)
  }

  static func word() -> Self where Value: RawRepresentable<String> { word { $0.rawValue } }
}

extension ConfigurationFormat<[TokenHash]> {
  /// Hashes of tokens; the values are not shown, because people put the tokens themselves there by mistake.
  static let tokens: Self = {
    var format = list(
      "list of token hashes", expecting: "sha256: and 64 hexadecimal digits, the hash of a token that is not empty",
      parse: { try? TokenHash($0) }, render: \TokenHash.text)
    format.isSecret = true
    return format
  }()
}

/// Reads decimal digits; no sign, no spaces, nothing beyond 64 bits.
func decimal(_ text: some StringProtocol) -> Int? {
  guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
  return Int(text)
}
