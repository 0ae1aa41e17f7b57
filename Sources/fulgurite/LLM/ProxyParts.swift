import Configuration
import GenAI
import LLMProxy
import Logging
import Metrics
import SQLiteStore
import Transport

/// The proxy and what it runs on; made only when there is an upstream.
struct ProxyParts: Sendable {
  let proxy: LLMProxy
  private let client: HTTPClient
  private let recorder: Recorder

  init?(
    _ configuration: FulguriteConfiguration, _ store: SQLiteStore, _ loops: EventLoopGroup, _ gate: TokenGate,
    _ registry: MetricsRegistry, _ budget: InFlightBudget, _ logger: Logger
  ) async throws {
    guard !configuration.llmProxyAddresses.isEmpty else { return nil }
    let options = LLMProxyOptions(configuration.llm)
    let memory = RecordingMemory(limit: configuration.llm.recordingBytes)
    let metrics = ProxyMetrics(registry, upstreams: options.upstreams, memory: memory)
    client = try await HTTPClient(group: loops)
    recorder = Recorder(
      writer: store,
      composer: SpanComposer(profile: SpanProfile(configuration.llm.spanProfile), version: ProgramVersion.text),
      memory: memory, metrics: metrics, logger: logger)
    proxy = LLMProxy(
      options,
      access: ProxyAccess(clients: { gate.llm }, admins: { gate.llmAdmin }, trust: options.trust),
      client: client, recorder: recorder, metrics: metrics, numbers: store, budget: budget,
      now: WallClock.nanosecondsSince1970)
  }

  /// Cuts the calls that are left, and stores what was recorded.
  func stop() async {
    await client.shutdown()
    await recorder.close()
  }
}
