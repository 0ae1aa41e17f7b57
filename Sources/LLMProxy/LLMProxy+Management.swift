import APISupport
import Transport

/// What the proxy answers itself.
extension LLMProxy {
  /// - Returns: `nil` for calls.
  func manage(_ request: HTTPRequest) async -> HTTPResponse? {
    switch (request.method, request.path) {
    case (.get, "/proxy/state"): return administer(request) { pause.state(inFlight: admissions.count) }
    case (.post, "/proxy/resume"):
      return administer(request) {
        pause.end()
        return pause.state(inFlight: admissions.count)
      }
    case (.post, "/proxy/pause"):
      guard access.isAdmin(request) else { return unauthorized }
      guard let body = try? await request.body.collect(upTo: 64 << 10), pause.start(body) else {
        return JSONAnswer.error(400, "expected an object with retry_after_seconds (0 to 3600) and reason")
      }
      return pause.state(inFlight: admissions.count)
    default: return await sessions.respond(to: request)
    }
  }

  private func administer(_ request: HTTPRequest, _ body: () -> HTTPResponse) -> HTTPResponse {
    access.isAdmin(request) ? body() : unauthorized
  }

  private var unauthorized: HTTPResponse {
    var response = JSONAnswer.error(401, "the admin key is needed")
    response.headers.append("www-authenticate", "Bearer")
    return response
  }
}
