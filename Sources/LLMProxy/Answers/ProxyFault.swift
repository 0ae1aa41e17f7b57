import APISupport
import JSON
import Transport

/// An error of the proxy itself, in the form that the client's SDK reads.
struct ProxyFault: Error, Hashable {
  var status: Int
  /// One word for programs: `proxy_upstream_error`, `invalid_request_error`.
  var type: String
  /// A finer word; `nil` = none.
  var code: String?
  /// For people; never holds a key or an address that the client did not name.
  var message: String
  /// Seconds until it is worth another try; `nil` = nothing is said.
  var retryAfter: Int?
  /// Header fields besides.
  var headers: HTTPHeaders = [:]
  /// The rest of the request is of no use.
  var closesConnection = false

  init(_ status: Int, _ type: String, _ message: String, code: String? = nil, retryAfter: Int? = nil) {
    self.status = status
    self.type = type
    self.code = code
    self.message = message
    self.retryAfter = retryAfter
  }

  /// The answer, in the error shape of the family.
  func response(_ family: Upstream.Family) -> HTTPResponse {
    var writer = JSONWriter()
    switch family {
    case .openai: writeOpenAI(&writer)
    case .anthropic: writeAnthropic(&writer)
    case .gemini: writeGemini(&writer)
    }
    var response = HTTPResponse(
      status: status, headers: ["content-type": "application/json"], body: .bytes(writer.bytes))
    for field in headers.fields { response.headers.append(field.name, field.value) }
    if let retryAfter { response.headers.append("retry-after", String(retryAfter)) }
    if status == 401 { response.headers.append("www-authenticate", "Bearer") }
    response.closesConnection = closesConnection
    return response
  }

  private func writeOpenAI(_ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.key("message")
    writer.string(message)
    writer.key("type")
    writer.string(type)
    writer.key("param")
    writer.null()
    writer.key("code")
    if let code { writer.string(code) } else { writer.null() }
    writer.endObject()
    writer.endObject()
  }

  private func writeAnthropic(_ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("type")
    writer.string("error")
    writer.key("error")
    writer.beginObject()
    writer.key("type")
    writer.string(type)
    writer.key("message")
    writer.string(message)
    writer.endObject()
    writer.endObject()
  }

  private func writeGemini(_ writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("error")
    writer.beginObject()
    writer.key("code")
    writer.integer(Int64(status))
    writer.key("message")
    writer.string(message)
    writer.key("status")
    writer.string(type.uppercased())
    writer.endObject()
    writer.endObject()
  }
}

extension ProxyFault {
  /// No answer of the provider.
  static func upstream(_ error: ClientError, _ upstream: String) -> ProxyFault {
    switch error.kind {
    case .timeout:
      ProxyFault(504, "proxy_upstream_error", "upstream \(upstream) did not answer in time", code: "timeout")
    case .connection:
      ProxyFault(502, "proxy_upstream_error", "upstream \(upstream) cannot be reached", code: "connect_error")
    case .truncated:
      ProxyFault(
        502, "proxy_upstream_error", "upstream \(upstream) ended the connection without an answer",
        code: "upstream_truncated")
    case .cancelled:
      // There is no such status; it is what nginx writes into its log.
      ProxyFault(499, "invalid_request_error", "the client has closed its side", code: "client_disconnected")
    case .invalidResponse, .other:
      ProxyFault(
        502, "proxy_upstream_error", "the answer of upstream \(upstream) cannot be read", code: "invalid_response")
    }
  }
}

extension ProxyFault {
  /// The body of the request is not there.
  init(_ failure: BodyFailure) {
    switch failure {
    case .overloaded:
      self.init(503, "overloaded_error", "too many bytes of requests are in flight", code: "overloaded", retryAfter: 1)
    case .unreadable(.tooLarge(let limit)):
      self.init(413, "request_too_large", "the request is larger than \(limit) bytes", code: "request_too_large")
    case .unreadable(.timedOut):
      self.init(408, "invalid_request_error", "the request did not arrive in time", code: "request_timeout")
    case .unreadable(.shuttingDown):
      self.init(503, "overloaded_error", "the server is shutting down", code: "shutting_down", retryAfter: 1)
    case .unreadable(.disconnected), .unreadable(.malformed):
      self.init(400, "invalid_request_error", "the request is incomplete", code: "incomplete_request")
    }
    closesConnection = true
  }
}
