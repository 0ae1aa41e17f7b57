/// A request that this program sends to another server.
package struct ClientRequest: Sendable {
  package var method: String
  /// Absolute, `http` or `https`.
  package var url: String
  /// Sent in this order; `host` and `content-length` are the client's business.
  package var headers: HTTPHeaders
  /// Sent with its length; `nil` sends none.
  package var body: [UInt8]?
  /// From the start of the request to a connection that is ready, with its TLS handshake.
  package var connectTimeout = Duration.seconds(10)
  /// The certificates that a server may be signed with, as a PEM file; `nil` means those of the system.
  package var certificateFile: String?

  package init(method: String, url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// What comes before the body of an answer.
package struct ClientResponse: Sendable {
  package var status: Int
  /// Empty for HTTP/2, and where the server sent none.
  package var reason: String
  package var headers: HTTPHeaders
}
