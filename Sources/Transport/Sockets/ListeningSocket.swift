import CUV
import Glibc

/// A bound TCP socket that listens, closed by its `deinit`.
///
/// This file makes the system calls of listening.
@safe final class ListeningSocket: Sendable {
  /// Connections the kernel keeps until they are accepted; it cuts this to `net.core.somaxconn`.
  private static let backlog: Int32 = 1024

  let descriptor: Int32
  let address: SocketAddress

  /// Binds to an address and listens.
  ///
  /// `SO_REUSEPORT` is never set: a second server on the port must fail, not share the clients in silence.
  init(_ requested: SocketAddress) throws(TransportError) {
    let operation = "listen on \(requested)"
    let family = requested.family == .ipv4 ? AF_INET : AF_INET6
    let descriptor = cuv_stream_socket(family)
    guard descriptor >= 0 else { throw TransportError(errno: errno, operation: operation) }
    do throws(TransportError) {
      address = try Self.bind(descriptor, to: requested, operation)
    } catch {
      close(descriptor)
      throw error
    }
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }

  /// - Returns: The address with the port that the kernel chose.
  private static func bind(_ descriptor: Int32, to address: SocketAddress, _ operation: String)
    throws(TransportError) -> SocketAddress
  {
    var storage = sockaddr_storage()
    let parsed =
      switch address.family {
      case .ipv4:
        unsafe storage.withView(as: sockaddr_in.self) { unsafe uv_ip4_addr(address.host, Int32(address.port), $0) }
      case .ipv6:
        unsafe storage.withView(as: sockaddr_in6.self) { unsafe uv_ip6_addr(address.host, Int32(address.port), $0) }
      }
    guard parsed == 0 else { throw TransportError(uv: parsed, operation: operation) }
    // A restarted server must not wait until the connections of the old one have timed out.
    try enable(SOL_SOCKET, SO_REUSEADDR, on: descriptor, operation)
    if address.family == .ipv6 { try enable(Int32(IPPROTO_IPV6), IPV6_V6ONLY, on: descriptor, operation) }
    let size = address.family == .ipv4 ? MemoryLayout<sockaddr_in>.size : MemoryLayout<sockaddr_in6>.size
    let isBound = unsafe storage.withView(as: sockaddr.self) { unsafe Glibc.bind(descriptor, $0, socklen_t(size)) }
    guard isBound == 0, listen(descriptor, backlog) == 0 else {
      throw TransportError(errno: errno, operation: operation)
    }
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let isNamed = unsafe storage.withView(as: sockaddr.self) { unsafe getsockname(descriptor, $0, &length) }
    guard isNamed == 0, let bound = SocketAddress(storage) else {
      throw TransportError(errno: errno, operation: operation)
    }
    return bound
  }

  private static func enable(_ level: Int32, _ option: Int32, on descriptor: Int32, _ operation: String)
    throws(TransportError)
  {
    var one: Int32 = 1
    let status = unsafe setsockopt(descriptor, level, option, &one, socklen_t(MemoryLayout<Int32>.size))
    guard status == 0 else { throw TransportError(errno: errno, operation: operation) }
  }

  /// What one call of ``accept()`` found.
  enum Accepted {
    case connection(OwnedDescriptor, SocketAddress)
    /// No client waits.
    case nothing
    /// A client gave up before it was accepted.
    case aborted
    /// The process or the system is out of descriptors or memory; the client still waits.
    case exhausted
  }

  /// Takes the next client, without waiting for one.
  func accept() -> Accepted {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let accepted = unsafe storage.withView(as: sockaddr.self) { unsafe cuv_accept(descriptor, $0, &length) }
    guard accepted >= 0 else {
      switch errno {
      case EAGAIN: return .nothing
      case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
      default: return .aborted
      }
    }
    let owned = OwnedDescriptor(accepted)
    guard let peer = SocketAddress(storage) else { return .aborted }
    return .connection(owned, peer)
  }
}
