import APISupport
import JSON
import TraceStore
import Transport

/// Why a request cannot be answered as it stands.
struct SessionFailure: Error {
  var status: Int
  var detail: String
  /// Seconds after which trying again makes sense.
  var retryAfter: Int?

  init(_ status: Int, _ detail: String, retryAfter: Int? = nil) {
    self.status = status
    self.detail = detail
    self.retryAfter = retryAfter
  }

  init(_ error: StoreError) {
    // Without its message, which may name files.
    self.init(503, "the store cannot answer: \(error.code)", retryAfter: 1)
  }

  init(_ fault: RolloutFault) {
    switch fault {
    case .store(let error): self.init(error)
    case .notFound(let message): self.init(410, message)
    case .keyReused: self.init(409, "the request was sent before as another one")
    }
  }

  init(_ fault: SessionKeyFault) {
    switch fault {
    case .store(let error): self.init(error)
    case .noCapacity: self.init(429, "No available capacity to start a new session", retryAfter: 1)
    case .bound(let id): self.init(409, "API key is already bound to active session \(id).")
    case .unknown: self.init(410, "Session already ended or expired")
    }
  }

  /// An error as FastAPI words it, which AReaL is written with: `{"detail": "..."}`.
  var response: HTTPResponse {
    var response = JSONAnswer.make(status) { writer in
      writer.beginObject()
      writer.key("detail")
      writer.string(detail)
      writer.endObject()
    }
    if let retryAfter { response.headers.append("retry-after", String(retryAfter)) }
    if status == 401 { response.headers.append("www-authenticate", "Bearer") }
    return response
  }
}
