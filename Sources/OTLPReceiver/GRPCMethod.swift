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

  private static let methods: [String: GRPCMethod] = [
    "/\(traceService)/Export": .exportTraces,
    "/\(metricsService)/Export": .discard(signal: "metrics"),
    "/\(logsService)/Export": .discard(signal: "logs"),
    "/\(healthService)/Check": .checkHealth,
  ]
  private static let exportPath = "/\(traceService)/Export"

  init?(path: String) {
    if let method = Self.methods[path] {
      self = method
    } else if path.hasPrefix("/rollout/") && path.hasSuffix(Self.exportPath) {
      // A path in front, as for OTLP/HTTP: `/rollout/{rollout}/attempt/{attempt}/...`.
      self = .exportTraces
    } else {
      return nil
    }
  }
}
