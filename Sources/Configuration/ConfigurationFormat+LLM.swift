extension ConfigurationFormat {
  /// A format with an empty text for what the program finds out by itself.
  static func guessable<Wrapped>(_ format: ConfigurationFormat<Wrapped>) -> Self where Value == Wrapped? {
    Self(
      type: format.type, expectation: format.expectation + ", or nothing for a guess",
      parse: { value in
        if value == .text("") { return .some(nil) }
        return format.parse(value).map { .some($0) }
      },
      render: { $0.map(format.render) ?? .text("") })
  }
}

extension ConfigurationFormat<UpstreamURL> {
  /// Mistakes are not shown: keys come as the user or in the query of an address.
  static let upstreamURL: Self = {
    var format = Self(
      "URL", expecting: "http:// or https://, a host, and if need be a port and a path; no user, query or fragment",
      parse: { $0.isEmpty ? UpstreamURL() : UpstreamURL($0) }, render: \.description)
    format.hidesMistakes = true
    return format
  }()
}

extension ConfigurationFormat<String> {
  /// The name of an entry of a ``NamedSection``.
  static let nameOrNothing = Self(
    "name", expecting: NamedSection.nameExpectation + ", or nothing",
    parse: { $0.isEmpty || NamedSection.isName($0) ? $0 : nil }, render: \.self)

  /// A word of an attribute.
  static let label = Self(
    "text", expecting: "a text without spaces, or nothing for a guess",
    parse: { $0.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? $0 : nil }, render: \.self)

  /// The name of an environment variable of others.
  ///
  /// Keys, which people put there by mistake, are not such names, and are not shown.
  static let environmentVariable: Self = {
    var format = Self(
      "environment variable",
      expecting: "the name of an environment variable in upper case that does not begin with "
        + "\(ConfigurationOption.environmentPrefix), or nothing",
      parse: { $0.isEmpty || isEnvironmentVariable($0) ? $0 : nil }, render: \.self)
    format.hidesMistakes = true
    return format
  }()

  /// The path of a file with a key.
  ///
  /// A key itself, which people put there by mistake, is no such path, and is not shown.
  static let keyPath: Self = {
    var format = Self(
      "path", expecting: "a path that begins with /, ./ or ~/, or nothing",
      parse: { text in
        let isPath = ["/", "./", "~/"].contains { text.hasPrefix($0) } && !text.utf8.contains(0)
        return text.isEmpty || isPath ? text : nil
      }, render: \.self)
    format.hidesMistakes = true
    return format
  }()

  /// The single segment of a path that selects an upstream.
  static let pathPrefix = Self(
    "path", expecting: "/ and one word such as /openai that begins no other path of the proxy, or nothing",
    parse: { text in
      let isSegment = isPath(text) && !text.dropFirst().contains("/")
      return text.isEmpty || isSegment ? text : nil
    }, render: \.self)
}

extension ConfigurationFormat<[String]> {
  static let pathPrefixes = list(
    "list of paths", expecting: "paths such as /v1/files, each begins with / and holds no empty and no dotted segment",
    parse: { isPath($0) ? $0 : nil }, render: \.self)

  /// Names of headers, in lower case; none that holds a secret.
  static let headerNames = list(
    "list of headers", expecting: "names of headers such as x-session-id, but of none that holds keys or cookies",
    parse: { text in
      let name = text.lowercased()
      return isHeaderName(name) && !secretHeaders.contains(name) ? name : nil
    }, render: \.self)

  static let jsonPointers = list(
    "list of JSON pointers", expecting: "JSON pointers such as /messages/0/content, each begins with /",
    parse: { isJSONPointer($0) ? $0 : nil }, render: \.self)

  /// Regular expressions.
  ///
  /// A text is one of them, whatever commas it holds; several stand in a YAML list.
  static let patterns = Self(
    type: "list of regular expressions", expectation: "a regular expression that is not empty, or a YAML list of them",
    parse: { value in
      let patterns: [String]
      switch value {
      case .text(let text): patterns = text.isEmpty ? [] : [text]
      case .list(let elements): patterns = elements
      }
      return patterns.allSatisfy { !$0.isEmpty && !$0.utf8.contains(0) } ? patterns : nil
    },
    render: { $0.count == 1 ? .text($0[0]) : .list($0) })
}

extension ConfigurationFormat<[ModelAlias]> {
  static let models = list(
    "list of models", expecting: "MODEL or ALIAS=MODEL, without spaces", parse: { ModelAlias($0) },
    render: \ModelAlias.description)
}

/// Headers whose values must never be recorded as anything else.
let secretHeaders: Set = [
  "authorization", "proxy-authorization", "cookie", "x-api-key", "api-key", "x-goog-api-key",
]

/// A token ([RFC 9110, 5.6.2](https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2)).
func isHeaderName(_ text: String) -> Bool {
  !text.isEmpty && text.utf8.allSatisfy { isLetterOrDigit($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
}

private func isEnvironmentVariable(_ text: String) -> Bool {
  guard let first = text.utf8.first, !isDigit(first) else { return false }
  let isName = text.utf8.allSatisfy { byte in
    isDigit(byte) || byte == UInt8(ascii: "_") || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }
  return isName && !text.hasPrefix(ConfigurationOption.environmentPrefix)
}

/// Segments with a slash before each, `~` only as `~0` or `~1`.
private func isJSONPointer(_ text: String) -> Bool {
  guard text.hasPrefix("/"), !text.utf8.contains(0) else { return false }
  return text.split(separator: "~", omittingEmptySubsequences: false).dropFirst()
    .allSatisfy { $0.hasPrefix("0") || $0.hasPrefix("1") }
}

private func isLetterOrDigit(_ byte: UInt8) -> Bool {
  isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
}

private func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
