package import Logging
package import Metrics
import OTLP
import Telemetry
package import TraceStore
package import Transport

/// Receives OTLP over HTTP and gRPC on any listener that hands requests to it.
///
/// [OTLP specification](https://opentelemetry.io/docs/specs/otlp/)
package final class OTLPReceiver: Sendable {
  let pipeline: SpanPipeline
  let options: OTLPReceiverOptions
  let metrics: ReceiverMetrics
  let budget: InFlightBudget
  private let refusals: RefusalLog
  private let logger: Logger
  private let limiter = LogLimiter()
  private let now: @Sendable () -> Int64
  let isStoreHealthy: @Sendable () -> Bool

  /// - Parameters:
  ///   - budget: Shared with others that take bodies of requests; one of its own if none is given.
  ///   - now: Nanoseconds since 1970.
  ///   - isStoreHealthy: What `grpc.health.v1` answers.
  package init(
    writer: any SpanWriter, options: OTLPReceiverOptions, registry: MetricsRegistry, refusals: RefusalLog,
    logger: Logger, budget: InFlightBudget? = nil, now: @escaping @Sendable () -> Int64,
    isStoreHealthy: @escaping @Sendable () -> Bool
  ) {
    metrics = ReceiverMetrics(registry)
    pipeline = SpanPipeline(writer: writer, options: options, metrics: metrics)
    self.options = options
    let budget = budget ?? InFlightBudget(limit: options.inFlightBytes, largestRequest: options.requestBytes)
    self.budget = budget
    self.refusals = refusals
    self.logger = logger
    self.now = now
    self.isStoreHealthy = isStoreHealthy
    registry.gauge("fulgurite_in_flight_bytes", "Bytes of requests that are received or decoded.") {
      Double(budget.usedBytes)
    }
  }

  /// Counts a span that came as Agent Lightning's JSON, beside those that came over OTLP.
  ///
  /// - Parameter isNew: Whether it was stored, and not known before.
  package func countClientSpan(isNew: Bool) {
    metrics.receivedFromClients.increment()
    if isNew { metrics.stored.increment() } else { metrics.duplicates.increment() }
  }

  /// What a request asks of the receiver.
  package enum Route: Sendable {
    case traces
    /// A signal that is accepted, counted and not stored.
    case discarded(signal: String)
    case grpc
  }

  /// Finds out whether a request is one for the receiver.
  ///
  /// Any path that ends in `/v1/traces` will do, and `POST /`: endpoints are often configured with too much or too
  /// little of the path.
  package static func route(_ request: HTTPRequest) -> Route? {
    let path = request.path
    if path == "/v1/traces" && MediaType(request) != .grpc { return .traces }
    if isGRPC(request) { return .grpc }
    if path.hasSuffix("/v1/traces") || (path == "/" && request.method == .post) { return .traces }
    if path.hasSuffix("/v1/metrics") { return .discarded(signal: "metrics") }
    if path.hasSuffix("/v1/logs") { return .discarded(signal: "logs") }
    if path.hasSuffix("/v1/development/profiles") { return .discarded(signal: "profiles") }
    return nil
  }

  /// Whether a request is a gRPC call: by its type, or by a path that only gRPC has.
  package static func isGRPC(_ request: HTTPRequest) -> Bool {
    MediaType(request) == .grpc || GRPCMethod(path: request.path) != nil
  }

  /// Answers a request.
  ///
  /// - Parameter isTrusted: Whether the sender may say by path or header which rollout it works for.
  package func respond(to request: HTTPRequest, _ route: Route, isTrusted: Bool) async -> HTTPResponse {
    let tag = isTrusted ? RequestTag.read(request) : .unassigned
    return switch route {
    case .grpc: await respondToCall(request, tag)
    case .traces: await respondToExport(request, tag)
    case .discarded(let signal): await respondToDiscarded(request, signal)
    }
  }

  /// Notes that something was not stored.
  ///
  /// - Parameters:
  ///   - tag: What the request says of its rollout.
  ///   - rejected: Spans that say themselves what they belong to.
  func refused(
    _ request: HTTPRequest, _ transport: ReceiverMetrics.Transport, reason: String, detail: String, spans: Int?,
    tag: RolloutTag = .unassigned, rejected: [RejectedSpan] = []
  ) {
    if let spans {
      metrics.refused(spans: spans, reason: reason)
    } else {
      metrics.refusedRequest(reason: reason)
    }
    refusals.add(
      Refusal(
        time: now(), transport: transport.rawValue, peer: request.peer.description, reason: reason, detail: detail,
        spans: spans, rolloutIDs: Self.rollouts(tag, rejected)))
    limiter.log(
      logger, .warning, "refused input",
      [
        "transport": .text(transport.rawValue), "peer": .described(request.peer), "reason": .text(reason),
        "detail": .text(detail), "spans": spans.map { .count($0) } ?? "unknown",
      ])
  }

  /// Longer ids are not kept: what a stranger sends must not fill the memory.
  private static let longestRollout = 1024

  /// The rollouts of what was refused, the first few.
  private static func rollouts(_ tag: RolloutTag, _ rejected: [RejectedSpan]) -> [String] {
    var known: Set<ExactText> = []
    var ids: [String] = []
    let named = rejected.isEmpty ? [tag.rolloutID] : rejected.map { $0.rolloutID ?? tag.rolloutID }
    for case let id? in named where id.utf8.count <= longestRollout && known.insert(ExactText(id)).inserted {
      ids.append(id)
      if ids.count == Refusal.mostRollouts { break }
    }
    return ids
  }
}
