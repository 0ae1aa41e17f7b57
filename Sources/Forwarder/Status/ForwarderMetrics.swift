import Metrics
import TraceStore

/// Shows how targets are doing.
enum ForwarderMetrics {
  static func register(_ forwarder: Forwarder, _ registry: MetricsRegistry) {
    for entry in forwarder.entries { register(entry, forwarder, registry) }
  }

  private static func register(_ entry: Forwarder.Entry, _ forwarder: Forwarder, _ registry: MetricsRegistry) {
    let target = entry.target.name
    let status = entry.status
    registry.gauge("fulgurite_forward_lag_spans", "Spans that are not done yet.", labels: ["target": target]) {
      [weak forwarder] in
      Double(forwarder.map { status.snapshot.lag(lastArrival: $0.lastArrival) } ?? 0)
    }
    registry.gauge(
      "fulgurite_forward_lag_seconds", "How long the oldest span that is not done has been stored.",
      labels: ["target": target]
    ) { [weak forwarder] in
      forwarder.map { status.snapshot.lagSeconds(lastArrival: $0.lastArrival, now: $0.time) } ?? 0
    }
    for state in TargetStatus.State.allCases {
      registry.gauge(
        "fulgurite_forward_state", "1 for the state that the target is in, 0 for the others.",
        labels: ["target": target, "state": state.rawValue]
      ) { status.snapshot.state == state ? 1 : 0 }
    }
    registry.gauge(
      "fulgurite_forward_last_error_timestamp_seconds",
      "When the target failed last, in seconds since 1970; 0 = never.",
      labels: ["target": target]
    ) { Double(status.snapshot.lastFault?.time ?? 0) / 1e9 }
    counters(target, status, registry)
  }

  private static func counters(_ target: String, _ status: TargetStatus, _ registry: MetricsRegistry) {
    let first = "since the target was first configured."
    let spans: [(String, String, @Sendable (TargetStatus.Snapshot) -> Int64)] = [
      ("sent", "Spans that were delivered, each counted once, \(first)", { $0.counts.sent }),
      ("refused", "Spans that the target has refused for good, \(first)", { $0.counts.refused }),
      ("filtered", "Spans that the filter of the target does not want, \(first)", { $0.counts.filtered }),
      ("missed", "Spans that were deleted before they were delivered, \(first)", { $0.counts.gone }),
      ("resent", "Spans that were sent again because they were tagged anew, \(first)", { $0.counts.resent }),
    ]
    for (name, help, value) in spans {
      registry.counter("fulgurite_forward_\(name)_spans_total", help, labels: ["target": target]) {
        UInt64(max(0, value(status.snapshot)))
      }
    }
    registry.counter(
      "fulgurite_forward_retries_total", "Times that the target did not take a request and is tried again.",
      labels: ["target": target]
    ) { status.snapshot.retries }
    registry.counter("fulgurite_forward_requests_total", "Requests to the target.", labels: ["target": target]) {
      status.snapshot.requests
    }
    registry.counter(
      "fulgurite_forward_request_bytes_total", "Bytes of the bodies of requests to the target.",
      labels: ["target": target]
    ) { status.snapshot.bytes }
  }
}
