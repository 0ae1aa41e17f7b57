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

  static func fault(_ fault: SpanSearch.Fault) -> HTTPResponse {
    switch fault {
    case .refused(let message): detail(400, message)
    case .invalid(let type, let location, let message, let input):
      JSONAnswer.make(422) { writer in
        writer.beginObject()
        writer.key("detail")
        writer.beginArray()
        writer.beginObject()
        writer.key("type")
        writer.string(type)
        writer.key("loc")
        writer.beginArray()
        for part in location { writer.string(part) }
        writer.endArray()
        writer.key("msg")
        writer.string(message)
        writer.key("input")
        writer.value(input)
        writer.endObject()
        writer.endArray()
        writer.endObject()
      }
    }
  }

  /// The client tries again after a 5xx, and not after a 4xx.
  static func failure(_ error: StoreError) -> HTTPResponse {
    var response = detail(error.code == .deadline ? 504 : 503, "the store cannot answer: \(error.code)")
    response.headers.append("retry-after", "1")
    return response
  }

  static func unreadable(_ error: BodyError) -> HTTPResponse {
    var response: HTTPResponse
    switch error {
    case .tooLarge: response = detail(413, "the request is too large")
    case .timedOut: response = detail(408, "the request did not arrive in time")
    case .disconnected, .malformed: response = detail(400, "the body of the request is incomplete")
    }
    response.closesConnection = true
    return response
  }

  /// AGL store contract, section 12.
  ///
  /// Resources and workers are not kept yet.
  static func statistics(_ totals: StoreTotals, uptime: Double) -> HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("name")
      writer.string("FulguriteStore")
      let counts: [(String, Int64)] = [
        ("total_rollouts", totals.rollouts), ("total_attempts", totals.attempts), ("total_spans", totals.spans),
        ("total_resources", 0), ("total_workers", 0),
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
