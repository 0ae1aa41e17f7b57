import Transport

/// The header fields that go to the client.
enum AnswerFields {
  /// What concerns one connection, and what would speak for the provider's host.
  private static let stripped: Set<String> = [
    "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "set-cookie", "alt-svc",
    "strict-transport-security", "proxy-authenticate", "proxy-connection",
  ]

  /// Names the call: the id of its span.
  static let requestID = "x-proxy-request-id"

  /// - Parameter requestID: Ours, for the log.
  static func make(_ answer: ClientResponse, requestID: String) -> HTTPHeaders {
    var headers = HTTPHeaders()
    for field in answer.headers.fields where !stripped.contains(field.name) {
      headers.append(field.name, field.value)
    }
    headers.append(Self.requestID, requestID)
    return headers
  }
}
