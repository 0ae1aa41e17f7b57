import CUV
import Glibc

/// An IP address with a port.
package struct SocketAddress: Sendable, Hashable, CustomStringConvertible {
  package enum Family: Sendable, Hashable {
    case ipv4
    case ipv6
  }

  package let family: Family
  /// The numeric address, without brackets.
  package let host: String
  package let port: UInt16

  /// Takes a numeric address.
  package init(family: Family, host: String, port: UInt16) {
    self.family = family
    self.host = host
    self.port = port
  }

  /// 127.0.0.1 with a port.
  package static func loopback(port: UInt16) -> SocketAddress {
    SocketAddress(family: .ipv4, host: "127.0.0.1", port: port)
  }

  /// Whether the address belongs to this machine alone.
  package var isLoopback: Bool {
    switch family {
    case .ipv4: host.hasPrefix("127.")
    case .ipv6: host == "::1"
    }
  }

  package var description: String { family == .ipv6 ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension SocketAddress {
  /// Reads what a system call filled in; `nil` for other families.
  init?(_ storage: sockaddr_storage) {
    var storage = storage
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let port: UInt16
    let family: Family
    switch Int32(storage.ss_family) {
    case AF_INET:
      family = .ipv4
      port = unsafe storage.withView(as: sockaddr_in.self) { address in
        unsafe uv_ip4_name(address, &text, text.count)
        return unsafe address.pointee.sin_port
      }
    case AF_INET6:
      family = .ipv6
      port = unsafe storage.withView(as: sockaddr_in6.self) { address in
        unsafe uv_ip6_name(address, &text, text.count)
        return unsafe address.pointee.sin6_port
      }
    default: return nil
    }
    let host = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    self.init(family: family, host: host, port: UInt16(bigEndian: port))
  }
}

extension sockaddr_storage {
  /// Shows the storage as the structure of one address family, which is how the socket calls use it.
  @unsafe mutating func withView<Address, Result>(
    as type: Address.Type, _ body: (UnsafeMutablePointer<Address>) -> Result
  ) -> Result {
    unsafe withUnsafeMutableBytes(of: &self) { unsafe body($0.baseAddress!.assumingMemoryBound(to: type)) }
  }
}
