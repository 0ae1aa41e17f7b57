import APISupport
import JSON
import TraceStore
import Transport

/// Answers in the shapes of AGL's server.
enum LightningAnswer {
  static var health: HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("status")
      writer.string("ok")
      writer.endObject()
    }
  }

  /// Answers with `{"detail":"..."}`.
  static func detail(_ status: Int, _ message: String) -> HTTPResponse {
    JSONAnswer.make(status) { writer in
      writer.beginObject()
      writer.key("detail")
      writer.string(message)
      writer.endObject()
    }
  }

  static func failure(_ failure: RequestFailure) -> HTTPResponse {
    switch failure {
    case .invalid(let faults): invalid(faults)
    case .refused(let status, let message): detail(status, message)
    case .unreadable(let error): unreadable(error)
    case .store(let error): storeFailure(error)
    }
  }

  /// Answers to a path that has no such method.
  static func notAllowed(_ methods: [HTTPMethod]) -> HTTPResponse {
    var response = detail(405, "Method Not Allowed")
    response.headers.append("allow", methods.map(\.rawValue).joined(separator: ", "))
    return response
  }

  /// The client tries again after a 5xx, and not after a 4xx.
  private static func storeFailure(_ error: StoreError) -> HTTPResponse {
    if error.code == .refused { return detail(400, "the store refuses this: \(error.message)") }
    var response = detail(error.code == .deadline ? 504 : 503, error.answerText)
    response.headers.append("retry-after", "1")
    return response
  }

  private static func unreadable(_ error: BodyError) -> HTTPResponse {
    var response: HTTPResponse
    switch error {
    case .tooLarge: response = detail(413, "the request is too large")
    case .shuttingDown:
      response = detail(503, "the server is shutting down")
      response.headers.append("retry-after", "1")
    case .timedOut: response = detail(408, "the request did not arrive in time")
    case .disconnected, .malformed: response = detail(400, "the body of the request is incomplete")
    }
    response.closesConnection = true
    return response
  }

  /// AGL store contract, section 12.
  static func statistics(_ totals: StoreTotals, uptime: Double) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("name")
      writer.string("FulguriteStore")
      let counts: [(String, Int64)] = [
        ("total_rollouts", totals.rollouts), ("total_attempts", totals.attempts), ("total_spans", totals.spans),
        ("total_resources", totals.resources), ("total_workers", totals.workers),
      ]
      for (name, count) in counts {
        writer.key(name)
        writer.integer(count)
      }
      writer.key("uptime")
      writer.double(uptime)
      writer.endObject()
    }
  }
}
