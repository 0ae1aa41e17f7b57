/// Where an upstream is: `https://api.openai.com/v1`.
///
/// A strict subset of [RFC 3986](https://www.rfc-editor.org/rfc/rfc3986) that every reader of addresses understands in
/// the same way.
package struct UpstreamURL: Sendable, Hashable, CustomStringConvertible {
  /// Whether TLS is spoken.
  package let isSecure: Bool
  /// A name in lower case, an IPv4 address, or an IPv6 address without brackets; empty when nothing is set.
  package let host: String
  /// The port, also when it is the scheme's own.
  package let port: UInt16
  /// What the paths of requests are put behind: empty, or segments with a slash before each, such as `/v1`.
  package let path: String

  /// Nothing.
  package init() { (isSecure, host, port, path) = (true, "", 443, "") }

  /// Reads `http://HOST[:PORT][/PATH]` or `https://...`; slashes at the end are left out.
  ///
  /// - Returns: `nil` for other schemes, without a host, and with a user, a query, a fragment, or a path that somebody
  ///   would have to normalize.
  package init?(_ text: String) {
    guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
    switch text[..<colon].lowercased() {
    case "http": isSecure = false
    case "https": isSecure = true
    default: return nil
    }
    let rest = text[colon...].dropFirst(3)
    let authority = rest.prefix { $0 != "/" }
    guard let (host, port) = Self.read(authority) else { return nil }
    self.host = host
    self.port = port ?? (isSecure ? 443 : 80)
    var path = rest[authority.endIndex...]
    while path.last == "/" { path.removeLast() }
    guard path.isEmpty || isPath(path) else { return nil }
    self.path = String(path)
  }

  /// Whether nothing is set.
  package var isEmpty: Bool { host.isEmpty }

  /// The value of the `host` header: the host, and the port unless it is the scheme's own.
  package var authority: String {
    let bracketed = host.contains(":") ? "[\(host)]" : host
    return port == (isSecure ? 443 : 80) ? bracketed : "\(bracketed):\(port)"
  }

  /// The form that `init(_:)` reads; empty when nothing is set.
  package var description: String { isEmpty ? "" : "\(isSecure ? "https" : "http")://\(authority)\(path)" }

  private static func read(_ authority: Substring) -> (host: String, port: UInt16?)? {
    let bracket = authority.lastIndex(of: "]") ?? authority.startIndex
    let colon = authority[bracket...].firstIndex(of: ":")
    let host = authority[..<(colon ?? authority.endIndex)]
    guard let colon else { return read(host: host).map { ($0, nil) } }
    guard let number = decimal(authority[authority.index(after: colon)...]), number > 0 else { return nil }
    guard let port = UInt16(exactly: number) else { return nil }
    return read(host: host).map { ($0, port) }
  }

  private static func read(host: Substring) -> String? {
    if host.hasPrefix("["), host.hasSuffix("]") {
      let inside = host.dropFirst().dropLast()
      return !inside.contains("%") && HostText(String(inside)).isIPv6 ? inside.lowercased() : nil
    }
    let text = HostText(host.lowercased())
    return text.isIPv4 || text.isName ? text.text : nil
  }
}

extension UpstreamURL {
  /// Whether requests stay on this machine.
  package var isLoopback: Bool { HostText(host).isLoopback }
}
