import GenAI
package import Metrics
import Threads

/// What the proxy counts.
///
/// [GenAI metrics](https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md)
package final class ProxyMetrics: Sendable {
  /// What a call is measured under.
  private struct Kind: Hashable {
    var upstream: String
    var operation: String
    var requestModel: String
    var responseModel: String
    /// `nil` when all went well.
    var errorType: String?
  }

  /// The histograms of calls of one kind.
  private struct Series: Sendable {
    let duration: Histogram
    let firstChunk: Histogram
    let perChunk: Histogram
    let inputTokens: Histogram
    let outputTokens: Histogram
  }

  private struct State {
    var series: [Kind: Series] = [:]
    /// Models that a provider has answered for: what callers make up is none, unless the provider answers for any name.
    var models: Set<String> = []
  }

  /// Kinds of calls that are told apart: each is a set of time series in every Prometheus that reads them.
  private static let mostKinds = 200
  /// The name of what is not told apart.
  private static let other = "_OTHER"
  /// Longer names, in bytes, are not told apart: each stands in some eighty lines of every answer to Prometheus.
  private static let longestName = 128

  /// Calls whose span is stored.
  let recordedCalls: Counter
  /// Calls that found no room to be recorded.
  let droppedCalls: Counter
  /// Requests by upstream, and those that reached none.
  private let requests: [String: Counter]
  let refusals: Counter
  let disconnects: Counter
  let resends: Counter
  private let failures: [String: Counter]
  private let registry: MetricsRegistry
  private let state = Locked(State())

  /// 10 ms to 82 s, each twice the one before.
  private static let durations: [Double] = (0...13).map { 0.01 * Double(1 << $0) }
  /// 1 to 67 million, each four times the one before.
  private static let tokens: [Double] = (0...13).map { Double(1 << (2 * $0)) }

  package init(_ registry: MetricsRegistry, upstreams: [Upstream], memory: RecordingMemory) {
    recordedCalls = registry.counter("fulgurite_llm_recorded_calls_total", "Calls whose span is stored.")
    droppedCalls = registry.counter(
      "fulgurite_llm_dropped_calls_total", "Calls without a span, because too much waited to be recorded.")
    refusals = registry.counter("fulgurite_llm_refused_requests_total", "Requests that the proxy answered itself.")
    disconnects = registry.counter(
      "fulgurite_llm_client_disconnects_total", "Calls whose client left before the end of the answer.")
    resends = registry.counter("fulgurite_llm_resends_total", "Requests that were sent to a provider again.")
    registry.gauge("fulgurite_llm_recording_bytes", "Bytes of calls that wait to be recorded.") {
      Double(memory.usedBytes)
    }
    var requests: [String: Counter] = [:]
    var failures: [String: Counter] = [:]
    for upstream in upstreams {
      requests[upstream.name] = registry.counter(
        "fulgurite_llm_requests_total", "Requests that were sent to a provider.", labels: ["upstream": upstream.name])
      for operation in Set(ProviderAPI.allCases.map(Self.operation)) {
        failures[Self.key(upstream.name, operation)] = registry.counter(
          "fulgurite_llm_failed_calls_total", "Calls that failed.",
          labels: [
            "upstream": upstream.name, "gen_ai_provider_name": upstream.provider, "gen_ai_operation_name": operation,
          ])
      }
    }
    self.requests = requests
    self.failures = failures
    self.registry = registry
  }

  private static func key(_ upstream: String, _ operation: String) -> String { upstream + "\n" + operation }

  private static func series(_ registry: MetricsRegistry, _ upstream: Upstream, _ kind: Kind) -> Series {
    var labels: MetricLabels = [
      "upstream": upstream.name, "gen_ai_provider_name": upstream.provider, "gen_ai_operation_name": kind.operation,
      "gen_ai_request_model": kind.requestModel, "gen_ai_response_model": kind.responseModel,
      "server_address": upstream.serverAddress, "server_port": String(upstream.serverPort),
    ]
    if let errorType = kind.errorType { labels.append("error_type", errorType) }
    func tokens(_ type: String) -> Histogram {
      var labels = labels
      labels.append("gen_ai_token_type", type)
      return registry.histogram("gen_ai_client_token_usage", "Tokens of a call.", labels: labels, bounds: Self.tokens)
    }
    return Series(
      duration: registry.histogram(
        "gen_ai_client_operation_duration_seconds", "How long calls take.", labels: labels, bounds: durations),
      firstChunk: registry.histogram(
        "gen_ai_client_operation_time_to_first_chunk_seconds", "Until the first record of a stream.", labels: labels,
        bounds: durations),
      perChunk: registry.histogram(
        "gen_ai_client_operation_time_per_output_chunk_seconds", "Between the records of a stream, on average.",
        labels: labels, bounds: durations),
      inputTokens: tokens("input"), outputTokens: tokens("output"))
  }

  func countRequest(_ upstream: Upstream) { requests[upstream.name]?.increment() }

  /// Counts a call that is over.
  func observe(_ exchange: Exchange, _ context: CallContext, _ upstream: Upstream) {
    let operation = Self.operation(exchange.api)
    if exchange.errorType != nil { failures[Self.key(upstream.name, operation)]?.increment() }
    let series = series(of: exchange, operation, upstream)
    series.duration.observe(seconds(context.startTime, context.endTime))
    if let usage = exchange.answer.usage {
      if let tokens = usage.inputTokens { series.inputTokens.observe(Double(tokens)) }
      if let tokens = usage.outputTokens { series.outputTokens.observe(Double(tokens)) }
    }
    guard let records = exchange.delivery.events?.records, let first = context.firstByteTime else { return }
    series.firstChunk.observe(seconds(context.startTime, first))
    if records > 1 { series.perChunk.observe(seconds(first, context.endTime) / Double(records - 1)) }
  }

  /// The histograms for a call, made for the first of its kind.
  private func series(of exchange: Exchange, _ operation: String, _ upstream: Upstream) -> Series {
    let requested = Self.label(exchange.request.model ?? "")
    let answered = Self.label(exchange.answer.model ?? "")
    return state.withLock { state in
      if exchange.errorType == nil, state.models.count < Self.mostKinds { state.models.insert(requested) }
      var kind = Kind(
        upstream: upstream.name, operation: operation,
        requestModel: state.models.contains(requested) ? requested : Self.other, responseModel: answered,
        errorType: exchange.errorType.map(Self.label))
      if let known = state.series[kind] { return known }
      if state.series.count >= Self.mostKinds {
        (kind.requestModel, kind.responseModel) = (Self.other, Self.other)
        if kind.errorType != nil { kind.errorType = Self.other }
        if let known = state.series[kind] { return known }
      }
      let made = Self.series(registry, upstream, kind)
      state.series[kind] = made
      return made
    }
  }

  private static func label(_ name: String) -> String { name.utf8.count > longestName ? other : name }

  /// The value of `gen_ai.operation.name`.
  private static func operation(_ api: ProviderAPI) -> String {
    switch api {
    case .chatCompletions, .responses, .messages: "chat"
    case .completions: "text_completion"
    case .embeddings: "embeddings"
    case .generateContent: "generate_content"
    }
  }

  private func seconds(_ start: Int64, _ end: Int64) -> Double { Double(max(0, end - start)) / 1e9 }
}
