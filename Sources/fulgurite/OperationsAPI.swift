import APISupport
import Metrics
import TraceStore
import Transport

/// Health and metrics.
struct OperationsAPI: Sendable {
  let registry: MetricsRegistry
  /// Why the store does not work; `nil` when it does.
  let failure: @Sendable () -> StoreError?

  /// `/healthz`: the process answers.
  ///
  /// `/readyz`: it can also store.
  ///
  /// - Returns: `nil` for another path.
  func health(_ request: HTTPRequest) -> HTTPResponse? {
    switch request.path {
    case "/healthz": Self.text(request, 200, "ok\n")
    case "/readyz":
      // Details may name files; they are in the log.
      if let failure = failure() {
        Self.text(request, 503, "not ready: \(failure.code)\n")
      } else {
        Self.text(request, 200, "ready\n")
      }
    default: nil
    }
  }

  /// `/metrics` in the Prometheus text format.
  ///
  /// - Returns: `nil` for another path.
  func metrics(_ request: HTTPRequest) -> HTTPResponse? {
    guard request.path == "/metrics" else { return nil }
    return Self.text(request, 200, registry.exposition(), type: MetricsRegistry.contentType)
  }

  private static func text(
    _ request: HTTPRequest, _ status: Int, _ text: String, type: String = "text/plain; charset=utf-8"
  ) -> HTTPResponse {
    guard request.method == .get || request.method == .head else {
      var response = JSONAnswer.error(405, "method not allowed, supported: GET")
      response.headers.append("allow", "GET, HEAD")
      return response
    }
    return HTTPResponse(status: status, headers: ["content-type": type], body: .bytes(Array(text.utf8)))
  }
}
