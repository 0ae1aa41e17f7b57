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
  /// Until the status and the header fields have come; `nil` means for ever.
  package var headTimeout: Duration?
  /// Without a byte of the answer, while the reader waits for one; `nil` means for ever.
  package var idleTimeout: Duration?
  /// Until the answer is complete; `nil` means for ever.
  package var totalTimeout: Duration?
  /// Whether the request goes on when the task that waits for its answer is cancelled; the task is told, and whoever
  /// goes on with the answer reads or cancels it.
  package var outlivesTask = false
  /// The certificates that a server may be signed with, as a PEM file; `nil` means those of the system.
  package var certificateFile: String?
  /// The certificate that this program shows, and its key, as PEM files; `nil` means that it shows none.
  package var clientCertificate: ClientCertificate?
  /// Whether HTTP/2 is spoken at once where there is no TLS to negotiate it.
  package var assumesHTTP2 = false

  package init(method: String, url: String, headers: HTTPHeaders = [:], body: [UInt8]? = nil) {
    self.method = method
    self.url = url
    self.headers = headers
    self.body = body
  }
}

/// A certificate that a client shows, and its key, as PEM files.
package struct ClientCertificate: Sendable, Hashable {
  package var file: String
  package var keyFile: String

  package init(file: String, keyFile: String) {
    self.file = file
    self.keyFile = keyFile
  }
}

/// What comes before the body of an answer.
package struct ClientResponse: Sendable {
  package var status: Int
  /// Empty for HTTP/2, and where the server sent none.
  package var reason: String
  package var headers: HTTPHeaders

  package init(status: Int, reason: String, headers: HTTPHeaders) {
    self.status = status
    self.reason = reason
    self.headers = headers
  }
}
