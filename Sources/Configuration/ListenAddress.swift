/// Where a listener waits: a host and a port.
package struct ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// `localhost`, a name, an IPv4 address or an IPv6 address without brackets.
  package let host: String
  /// 0 stands for a free port.
  package let port: UInt16

  /// Reads `HOST:PORT` or `[IPV6]:PORT`.
  ///
  /// - Returns: `nil` when the host is missing, is no name and no address, or the port is not from 0 to 65535.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = decimal(text[text.index(after: colon)...]) else { return nil }
    guard let port = UInt16(exactly: port) else { return nil }
    let host = text[..<colon]
    if host.hasPrefix("["), host.hasSuffix("]") {
      let inside = String(host.dropFirst().dropLast())
      guard HostText(inside).isIPv6 else { return nil }
      self.init(host: inside, port: port)
    } else {
      let host = HostText(String(host))
      guard host.isIPv4 || host.isName else { return nil }
      // One spelling, so that nobody below has to compare without case.
      self.init(host: host.text.lowercased() == "localhost" ? "localhost" : host.text, port: port)
    }
  }

  private init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  /// Both loopback addresses, 127.0.0.1 and ::1.
  package static func localhost(_ port: UInt16) -> ListenAddress { ListenAddress(host: "localhost", port: port) }

  /// Whether no other machine can reach it.
  ///
  /// A name other than `localhost` counts as reachable: what it stands for may change.
  package var isLoopback: Bool { HostText(host).isLoopback }

  /// The form that `init(_:)` reads.
  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension ListenAddress {
  /// Whether both would take the same port; not asked of wildcards and names, the system finds those.
  func collides(with other: ListenAddress) -> Bool {
    guard port != 0, port == other.port else { return false }
    return !hosts.isDisjoint(with: other.hosts)
  }

  private var hosts: Set<String> { host == "localhost" ? ["127.0.0.1", "::1"] : [host.lowercased()] }
}

extension ConfigurationFormat<[ListenAddress]> {
  static let addresses = list(
    "list of addresses",
    expecting: "HOST:PORT such as localhost:4318, 0.0.0.0:4318 or [::1]:4318, a list of them, or nothing for off",
    parse: { ListenAddress($0) }, render: \ListenAddress.description)
}
