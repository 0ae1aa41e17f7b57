import CUV
import Glibc

/// The addresses that a host in a listener's configuration stands for.
enum HostResolver {
  /// Resolves a numeric address, `localhost`, or a name that the system knows.
  ///
  /// `localhost` is both loopback addresses, IPv4 first. A name may block the thread for a look-up; it happens at start.
  static func addresses(of host: String, port: UInt16) throws(TransportError) -> [SocketAddress] {
    if host == "localhost" {
      return [.loopback(port: port), SocketAddress(family: .ipv6, host: "::1", port: port)]
    }
    var hints = unsafe addrinfo()
    unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    unsafe hints.ai_flags = AI_PASSIVE
    var list: UnsafeMutablePointer<addrinfo>?
    let status = unsafe getaddrinfo(host, nil, &hints, &list)
    guard status == 0 else {
      let message = unsafe String(cString: gai_strerror(status))
      throw TransportError(code: .unknownHost, operation: "resolve \(host)", message: message)
    }
    defer { unsafe freeaddrinfo(list) }
    return unsafe addresses(in: list, port: port)
  }

  private static func addresses(in list: UnsafeMutablePointer<addrinfo>?, port: UInt16) -> [SocketAddress] {
    var addresses: [SocketAddress] = []
    var next = unsafe list
    while let entry = unsafe next {
      var storage = sockaddr_storage()
      let size = min(Int(unsafe entry.pointee.ai_addrlen), MemoryLayout<sockaddr_storage>.size)
      unsafe withUnsafeMutableBytes(of: &storage) { target in
        unsafe target.copyMemory(from: UnsafeRawBufferPointer(start: entry.pointee.ai_addr, count: size))
      }
      if let found = SocketAddress(storage) {
        let address = SocketAddress(family: found.family, host: found.host, port: port)
        if !addresses.contains(address) { addresses.append(address) }
      }
      unsafe next = entry.pointee.ai_next
    }
    return addresses
  }
}
