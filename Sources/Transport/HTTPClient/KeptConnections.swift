internal import CCurl

/// The sockets of HTTP/1 connections that libcurl keeps for later requests.
///
/// A server that sends anything there that nobody has asked for, or that has ended the connection, is not asked again over
/// it: libcurl before version 8 would take what is there for the next answer
/// ([RFC 9112, section 9.2](https://www.rfc-editor.org/rfc/rfc9112#section-9.2)).
struct KeptConnections {
  /// What is known of a connection where it is about to be used.
  struct Endpoints: Hashable {
    let localPort: Int
    let remotePort: Int
    let remoteAddress: String
  }

  private var sockets: [Endpoints: Int32] = [:]
  /// The other way: the number of a socket that was closed is soon that of another connection.
  private var endpoints: [Int32: Endpoints] = [:]

  /// Notes the connection of a request that has ended, if it goes on.
  mutating func note(_ easy: UnsafeMutableRawPointer) {
    var version = 0
    var socket: Int32 = -1
    unsafe ccurl_get_long(easy, CURLINFO_HTTP_VERSION, &version)
    // An HTTP/2 connection has more to say than answers.
    guard version == Int(CURL_HTTP_VERSION_1_1) || version == Int(CURL_HTTP_VERSION_1_0),
      unsafe ccurl_get_socket(easy, CURLINFO_ACTIVESOCKET, &socket) == CURLE_OK, socket >= 0
    else { return }
    var (localPort, remotePort) = (0, 0)
    var address: UnsafePointer<CChar>?
    unsafe ccurl_get_long(easy, CURLINFO_LOCAL_PORT, &localPort)
    unsafe ccurl_get_long(easy, CURLINFO_PRIMARY_PORT, &remotePort)
    unsafe ccurl_get_text(easy, CURLINFO_PRIMARY_IP, &address)
    guard let text = unsafe address.map({ unsafe String(cString: $0) }) else { return }
    let known = Endpoints(localPort: localPort, remotePort: remotePort, remoteAddress: text)
    if let old = endpoints[socket] {
      if old == known { return }
      sockets[old] = nil
    }
    endpoints[socket] = known
    sockets[known] = socket
  }

  /// What a connection is good for.
  enum State {
    case quiet
    /// It has something to read, or has ended, although nothing was asked.
    case spoiled
  }

  /// - Returns: `nil` for a connection that is not HTTP/1.
  func state(of endpoints: Endpoints) -> State? {
    guard let socket = sockets[endpoints] else { return nil }
    return ccurl_has_input(socket) == 0 ? .quiet : .spoiled
  }
}
