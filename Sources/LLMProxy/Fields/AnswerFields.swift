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
    let named = answer.headers.namedByConnection
    // Where the body comes in chunks, another length is not its length
    // ([RFC 9112, section 6.3](https://www.rfc-editor.org/rfc/rfc9112#section-6.3)).
    let isChunked = answer.headers.first("transfer-encoding") != nil
    var headers = HTTPHeaders()
    for field in answer.headers.fields where !stripped.contains(field.name) {
      if isChunked && field.name == "content-length" || !named.isEmpty && named.contains(field.name) { continue }
      // Of another proxy of this kind.
      if field.name == Self.requestID { continue }
      headers.append(field.name, field.value)
    }
    headers.append(Self.requestID, requestID)
    return headers
  }
}
