package import Metrics
import Synchronization
import Threads

/// What the receiver counts.
package final class ReceiverMetrics: Sendable {
  /// The transports as the label `transport` names them.
  enum Transport: String, CaseIterable { case http, grpc }

  let received: [Transport: Counter]
  /// Spans that did not come over OTLP.
  let receivedFromClients: Counter
  let requests: [Transport: Counter]
  let receivedBytes: Counter
  let stored: Counter
  let duplicates: Counter
  let variants: Counter
  let discardedSignals: [String: Counter]
  private let refusedSpans: [String: Counter]
  private let refusedRequests: [String: Counter]

  /// Every reason for which spans or requests are refused.
  static let reasons = [
    "malformed", "invalid_id", "too_large", "compression", "timeout", "overloaded", "store", "unsupported", "deadline",
    "unauthenticated", "disconnected", "shutdown",
  ]

  package init(_ registry: MetricsRegistry) {
    received = Dictionary(
      uniqueKeysWithValues: Transport.allCases.map {
        (
          $0,
          registry.counter(
            "fulgurite_spans_received_total", "Spans in requests that could be decoded.",
            labels: ["transport": $0.rawValue])
        )
      })
    receivedFromClients = registry.counter(
      "fulgurite_spans_received_total", "Spans in requests that could be decoded.", labels: ["transport": "agl"])
    requests = Dictionary(
      uniqueKeysWithValues: Transport.allCases.map {
        (
          $0,
          registry.counter(
            "fulgurite_export_requests_total", "Trace export requests.", labels: ["transport": $0.rawValue])
        )
      })
    receivedBytes = registry.counter(
      "fulgurite_received_bytes_total", "Bytes of trace export requests, decompressed.")
    stored = registry.counter("fulgurite_spans_stored_total", "Spans that were committed.")
    duplicates = registry.counter(
      "fulgurite_spans_duplicates_total", "Spans that were stored before with the same contents.")
    variants = registry.counter(
      "fulgurite_spans_variants_total", "Stored spans that came under the ids of a different span.")
    refusedSpans = Dictionary(
      uniqueKeysWithValues: Self.reasons.map {
        ($0, registry.counter("fulgurite_spans_refused_total", "Spans refused for good.", labels: ["reason": $0]))
      })
    refusedRequests = Dictionary(
      uniqueKeysWithValues: Self.reasons.map {
        (
          $0,
          registry.counter(
            "fulgurite_requests_refused_total", "Trace export requests of which nothing was stored.",
            labels: ["reason": $0])
        )
      })
    discardedSignals = Dictionary(
      uniqueKeysWithValues: ["metrics", "logs", "profiles"].map {
        (
          $0,
          registry.counter(
            "fulgurite_discarded_requests_total", "Requests of signals that are accepted and not stored.",
            labels: ["signal": $0])
        )
      })
  }

  func refused(spans: Int, reason: String) { refusedSpans[reason]?.increment(by: spans) }

  func refusedRequest(reason: String) { refusedRequests[reason]?.increment() }
}
