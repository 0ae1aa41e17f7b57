/// A header of requests to others, whose value is not shown: most such headers hold keys.
package struct HeaderSetting: Sendable, Equatable {
  /// In lower case.
  package let name: String
  package let value: String

  /// Reads `NAME=VALUE`.
  ///
  /// - Returns: `nil` for what no header can carry, and for headers that the program sets itself.
  package init?(_ text: some StringProtocol, separators: Set<Character> = ["="]) {
    guard let separator = text.firstIndex(where: { separators.contains($0) }) else { return nil }
    let name = Self.trimmed(text[..<separator]).lowercased()
    let value = Self.trimmed(text[text.index(after: separator)...])
    guard isHeaderName(name), !Self.ownHeaders.contains(name), !name.hasPrefix("grpc-"),
      value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
    else { return nil }
    self.name = name
    self.value = value
  }

  /// Reads `NAME=VALUE,NAME=VALUE`, as `OTEL_EXPORTER_OTLP_HEADERS` has it: values can be percent-encoded.
  ///
  /// [Specifying headers](https://opentelemetry.io/docs/specs/otel/protocol/exporter/#specifying-headers-via-environment-variables)
  static func list(_ text: String) -> [HeaderSetting]? {
    var headers: [HeaderSetting] = []
    for part in text.split(separator: ",") where !trimmed(part).isEmpty {
      guard let decoded = percentDecoded(part), let header = HeaderSetting(decoded) else { return nil }
      headers.append(header)
    }
    return headers.isEmpty ? nil : headers
  }

  /// Reads a file with a header on each line, `NAME: VALUE` or `NAME=VALUE`; lines with `#` in front are comments.
  static func lines(_ text: String) -> [HeaderSetting]? {
    var headers: [HeaderSetting] = []
    for line in text.split(whereSeparator: \.isNewline) {
      let line = trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      guard let header = HeaderSetting(line, separators: [":", "="]) else { return nil }
      headers.append(header)
    }
    return headers.isEmpty ? nil : headers
  }

  /// Reads such a file, which nobody but its owner may read.
  package static func readFile(_ path: String) -> Result<[HeaderSetting], ConfigurationError> {
    let problem: String
    switch readWholeFile(path, .ownerAlone) {
    case .success(let bytes):
      if let headers = lines(String(decoding: bytes, as: UTF8.self)) { return .success(headers) }
      problem = "\(path) holds no headers: expected NAME: VALUE on each line (the content is not shown)"
    case .failure(let error): problem = "\(path) \(error)"
    }
    return .failure(
      ConfigurationError(problems: [ConfigurationProblem(source: .default, option: nil, message: problem)]))
  }

  private static func trimmed(_ text: some StringProtocol) -> String {
    let start = text.drop(while: \.isWhitespace)
    return String(start.reversed().drop(while: \.isWhitespace).reversed())
  }

  private static func percentDecoded(_ text: Substring) -> String? {
    guard text.contains("%") else { return String(text) }
    var bytes: [UInt8] = []
    var rest = Substring(text).utf8
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { return nil }
      bytes.append(value)
      rest.removeFirst(2)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  /// What the requests say themselves.
  private static let ownHeaders: Set = [
    "content-type", "content-length", "content-encoding", "transfer-encoding", "te", "host", "connection", "expect",
    "user-agent", "accept-encoding", "upgrade",
  ]
}

extension HeaderSetting: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// Hides the value, also from `dump` and string interpolation.
  package var description: String { "\(name)=(not shown)" }
  /// The same.
  package var debugDescription: String { description }
  /// No children, so that `dump` finds nothing.
  package var customMirror: Mirror { Mirror(self, children: []) }
}
