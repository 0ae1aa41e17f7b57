/// A request as a handler sees it; its body may still be arriving.
package struct HTTPRequest: Sendable {
  package var method: HTTPMethod
  /// The path as it came, percent-encoded and without the query; an absolute-form target is reduced to its path.
  package var path: String
  /// Whether the target named a host, as requests to forward proxies do.
  package var isAbsoluteForm = false
  /// What follows the question mark, percent-encoded; `nil` when there is none.
  package var query: String?
  package var version: HTTPVersion
  /// The fields in order.
  ///
  /// HTTP/2's `:authority` stands here as `host`.
  package var headers: HTTPHeaders
  /// The address of the other end of the connection.
  package var peer: SocketAddress
  package var body: RequestBody
  /// What the answers of the connection may hold.
  package var answers: AnswerAllowance

  /// Makes a request; tests of handlers do so without a connection.
  package init(
    method: HTTPMethod, path: String, query: String? = nil, version: HTTPVersion = .http11,
    headers: HTTPHeaders = [:], peer: SocketAddress = .loopback(port: 0), body: RequestBody = RequestBody([]),
    answers: AnswerAllowance = AnswerAllowance(AnswerBudget(limit: .max))
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.version = version
    self.headers = headers
    self.peer = peer
    self.body = body
    self.answers = answers
  }
}
