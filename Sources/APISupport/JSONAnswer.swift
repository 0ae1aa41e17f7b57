package import JSON
package import TraceStore
package import Transport

/// Small JSON answers.
package enum JSONAnswer {
  package static func make(_ status: Int = 200, _ write: (inout JSONWriter) -> Void) -> HTTPResponse {
    var writer = JSONWriter()
    write(&writer)
    return HTTPResponse(status: status, headers: ["content-type": "application/json"], body: .bytes(writer.bytes))
  }

  /// Answers with `{"error":{"code":...,"message":"..."}}`.
  package static func error(_ status: Int, _ message: String) -> HTTPResponse {
    make(status) { writer in
      writer.beginObject()
      writer.key("error")
      writer.beginObject()
      writer.key("code")
      writer.integer(Int64(status))
      writer.key("message")
      writer.string(message)
      writer.endObject()
      writer.endObject()
    }
  }

  /// What the store could not do, without its message, which may name files.
  package static func error(_ error: StoreError) -> HTTPResponse {
    var response = Self.error(error.code == .deadline ? 504 : 503, error.answerText)
    if error.code != .deadline { response.headers.append("retry-after", "1") }
    return response
  }

  /// The body of the request is not there.
  package static func error(_ failure: BodyFailure) -> HTTPResponse {
    let error: BodyError
    switch failure {
    case .overloaded(let error): return Self.error(error)
    case .unreadable(let reason): error = reason
    }
    var response: HTTPResponse
    switch error {
    case .tooLarge(let limit): response = Self.error(413, "the body of the request is larger than \(limit) bytes")
    case .shuttingDown:
      response = Self.error(503, "the server is shutting down")
      response.headers.append("retry-after", "1")
    case .timedOut: response = Self.error(408, "the body of the request did not arrive in time")
    case .disconnected, .malformed: response = Self.error(400, "the body of the request is incomplete")
    }
    response.closesConnection = true
    return response
  }
}
