import Metrics
import Transport

/// Shows what happens at the sockets.
enum ServerMetrics {
  static func register(_ http: HTTPServer, _ registry: MetricsRegistry) {
    registry.gauge(
      "fulgurite_build_info", "Always 1; the version is in the label.", labels: ["version": ProgramVersion.text]
    ) { 1 }
    registry.gauge("fulgurite_connections_open", "Connections that are open.") {
      Double(http.statistics.openConnections)
    }
    registry.gauge("fulgurite_unsent_answer_bytes", "Bytes of answers to queries that are not sent yet.") {
      Double(http.unsentBytes)
    }
    counter(registry, "fulgurite_connections_accepted_total", "Connections that were accepted.", http) {
      $0.acceptedConnections
    }
    counter(registry, "fulgurite_connections_refused_total", "Connections over the limit.", http) {
      $0.refusedConnections
    }
    counter(registry, "fulgurite_http1_requests_total", "Requests over HTTP/1.", http) { $0.http1Requests }
    counter(registry, "fulgurite_http2_requests_total", "Requests over HTTP/2.", http) { $0.http2Requests }
    counter(registry, "fulgurite_malformed_requests_total", "Requests that broke HTTP itself.", http) {
      $0.malformedRequests
    }
    counter(registry, "fulgurite_connection_timeouts_total", "Connections that were too slow or idle.", http) {
      $0.timeouts
    }
    counter(registry, "fulgurite_http2_floods_total", "HTTP/2 connections closed for a flood of frames.", http) {
      $0.floods
    }
  }

  private static func counter(
    _ registry: MetricsRegistry, _ name: String, _ help: String, _ http: HTTPServer,
    _ value: @escaping @Sendable (HTTPServerStatistics) -> Int
  ) {
    registry.counter(name, help) { UInt64(value(http.statistics)) }
  }
}
