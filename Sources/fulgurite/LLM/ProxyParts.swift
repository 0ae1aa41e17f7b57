import Configuration
import Credentials
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
  private let keys: SessionKeys
  /// Ends the sessions whose time is over, also when nobody starts one.
  private let sweeper: Task<Void, Never>

  init?(
    _ configuration: FulguriteConfiguration, _ store: SQLiteStore, _ loops: EventLoopGroup, _ gate: TokenGate,
    _ registry: MetricsRegistry, _ budget: InFlightBudget, _ logger: Logger,
    sleep: @escaping @Sendable (Duration) async -> Void
  ) async throws {
    guard !configuration.llmProxyAddresses.isEmpty else { return nil }
    let options = try LLMProxyOptions(configuration.llm)
    let memory = RecordingMemory(limit: configuration.llm.recordingBytes)
    let metrics = ProxyMetrics(registry, upstreams: options.upstreams, memory: memory)
    client = try await HTTPClient(group: loops)
    let recorder = Recorder(
      writer: store,
      composer: SpanComposer(profile: SpanProfile(configuration.llm.spanProfile), version: ProgramVersion.text),
      memory: memory, metrics: metrics, logger: logger)
    self.recorder = recorder
    let keys = SessionKeys(
      store: store, settings: SessionSettings(configuration.llm), now: WallClock.nanosecondsSince1970)
    self.keys = keys
    let loop = loops.loops[0]
    let interval = keys.sweepInterval
    sweeper = Task(executorPreference: loop) {
      while (try? await loop.sleep(for: interval)) != nil { await keys.sweepIfDue() }
    }
    let sessions = SessionAPI(
      keys: keys, rollouts: store, reader: store, isAdmin: SessionAPI.administrators(gate.llmAdmin),
      isOpen: { gate.llm.isEmpty }, budget: budget, flush: { await recorder.flush() }, sleep: sleep)
    proxy = LLMProxy(
      options,
      access: ProxyAccess(
        clients: { gate.llm }, admins: { gate.llmAdmin }, sessions: keys, trust: options.trust),
      client: client, recorder: recorder, metrics: metrics, sessions: sessions, numbers: store, budget: budget,
      logger: logger, now: WallClock.nanosecondsSince1970)
  }

  /// Cuts the calls that are left, and stores what was recorded.
  func stop() async {
    sweeper.cancel()
    await sweeper.value
    await client.shutdown()
    await recorder.close()
    // What is known of the use of keys is written down.
    await keys.sweep()
  }
}
