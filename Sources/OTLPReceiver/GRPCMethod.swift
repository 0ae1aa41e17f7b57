/// The calls that are answered, by their path.
enum GRPCMethod: Sendable {
  case exportTraces
  case discard(signal: String)
  case checkHealth

  /// The services that `grpc.health.v1` knows, beside the empty name of the whole server.
  static let traceService = "opentelemetry.proto.collector.trace.v1.TraceService"
  private static let metricsService = "opentelemetry.proto.collector.metrics.v1.MetricsService"
  private static let logsService = "opentelemetry.proto.collector.logs.v1.LogsService"
  private static let healthService = "grpc.health.v1.Health"

  static let services: Set<String> = ["", traceService, metricsService, logsService, healthService]

  init?(path: String) {
    switch path {
    case "/\(Self.traceService)/Export": self = .exportTraces
    case "/\(Self.metricsService)/Export": self = .discard(signal: "metrics")
    case "/\(Self.logsService)/Export": self = .discard(signal: "logs")
    case "/\(Self.healthService)/Check": self = .checkHealth
    default:
      // A path in front, as for OTLP/HTTP: `/rollout/{rollout}/attempt/{attempt}/...`.
      guard path.hasPrefix("/rollout/"), path.hasSuffix("/\(Self.traceService)/Export") else { return nil }
      self = .exportTraces
    }
  }
}
