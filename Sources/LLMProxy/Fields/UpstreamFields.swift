import Transport

/// The header fields that go to the provider.
enum UpstreamFields {
  /// What concerns one connection ([RFC 9110, section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)), what
  /// the client writes anew, and what is not the provider's business.
  private static let stripped: Set<String> = [
    "connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "content-length", "expect",
    "cookie", "forwarded", "x-rollout-id", "x-attempt-id", "x-sequence-id", "x-no-record", "traceparent",
    "tracestate", "baggage", "x-openclaw-session-key", "x-clawrouter-session-id",
  ]
  private static let strippedPrefixes = ["proxy-", "x-forwarded-"]

  /// Where clients put the credential of a provider.
  static let credentials = ["authorization", "x-api-key", "api-key", "x-goog-api-key"]

  /// Codings that the recorder can read.
  private static let codings: Set<Substring> = ["gzip", "deflate", "br", "zstd", "identity"]

  /// - Parameter passesCredentials: Whether the client's credential is the provider's.
  static func make(_ request: HTTPRequest, _ upstream: Upstream, passesCredentials: Bool) -> HTTPHeaders {
    let named = request.headers.namedByConnection
    var headers = HTTPHeaders()
    for field in request.headers.fields {
      if stripped.contains(field.name) || !named.isEmpty && named.contains(field.name) { continue }
      if strippedPrefixes.contains(where: { field.name.utf8.starts(with: $0.utf8) }) { continue }
      if credentials.contains(field.name) {
        if upstream.key == nil && passesCredentials { headers.append(field.name, field.value) }
      } else if field.name == "accept-encoding" {
        headers.append(field.name, readable(field.value))
      } else {
        headers.append(field.name, field.value)
      }
    }
    if let key = upstream.key { add(key, upstream.family, to: &headers) }
    return headers
  }

  private static func add(_ key: UpstreamKey, _ family: Upstream.Family, to headers: inout HTTPHeaders) {
    switch family {
    case .openai: headers.append("authorization", "Bearer \(key.text)")
    case .anthropic: headers.append("x-api-key", key.text)
    case .gemini: headers.append("x-goog-api-key", key.text)
    }
  }

  /// The members of `accept-encoding` that the recorder can read; `identity` when there is none.
  private static func readable(_ value: String) -> String {
    let members = value.parts(separatedBy: UInt8(ascii: ",")).filter { member in
      codings.contains(Substring(member.prefix { $0 != ";" }.trimmed.lowercased()))
    }
    return members.isEmpty ? "identity" : members.joined(separator: ",")
  }
}

extension HTTPHeaders {
  /// The fields that `connection` names: they concern one connection
  /// ([RFC 9110, section 7.6.1](https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1)).
  var namedByConnection: Set<String> {
    var names: Set<String> = []
    for field in fields where field.name == "connection" {
      for name in field.value.parts(separatedBy: UInt8(ascii: ",")) where name != "keep-alive" {
        names.insert(name.trimmed.lowercased())
      }
    }
    return names
  }
}
