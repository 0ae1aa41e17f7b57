import Transport

/// What a request asks of Jaeger's query interface.
///
/// Served at Jaeger's own paths, and below `/jaeger` for pages and proxies that are set up with a base path.
enum JaegerRoute: Hashable {
  // The interface of Jaeger's page.
  case services
  case operations
  case operationsOfService(String)
  case search
  case trace(String)
  case dependencies
  case transform
  case archive(String)
  /// Latencies, calls and errors over time, and how complete spans are: nothing here measures either.
  case metrics
  // The one that is shaped after OTLP.
  case newServices
  case newOperations
  case newSearch
  case newTrace(String)
  case newSummaries
  case newDependencies

  private static let basePath = "/jaeger"

  /// - Returns: `nil` for a path that is not of this interface.
  init?(_ path: String) {
    let own = path.hasPrefix(Self.basePath + "/") ? path.dropFirst(Self.basePath.count) : path[...]
    guard own.hasPrefix("/api/") else { return nil }
    var parts: [String] = []
    for part in own.dropFirst("/api/".count).split(separator: "/", omittingEmptySubsequences: false) {
      guard let part = PercentEncoding.decode(part) else { return nil }
      parts.append(part)
    }
    if parts[0] == "v3" { self.init(new: parts.dropFirst()) } else { self.init(parts) }
  }

  private init?(_ parts: [String]) {
    switch (parts[0], parts.count) {
    case ("services", 1): self = .services
    case ("services", 3) where parts[2] == "operations": self = .operationsOfService(parts[1])
    case ("operations", 1): self = .operations
    case ("traces", 1): self = .search
    case ("traces", 2): self = .trace(parts[1])
    case ("dependencies", 1): self = .dependencies
    case ("transform", 1): self = .transform
    case ("archive", 2): self = .archive(parts[1])
    case ("metrics", 2) where ["latencies", "calls", "errors", "minstep"].contains(parts[1]): self = .metrics
    case ("quality-metrics", 1): self = .metrics
    default: return nil
    }
  }

  private init?(new parts: ArraySlice<String>) {
    switch (parts.first, parts.count) {
    case ("services", 1): self = .newServices
    case ("operations", 1): self = .newOperations
    case ("traces", 1): self = .newSearch
    case ("traces", 2): self = .newTrace(parts.last ?? "")
    case ("trace-summaries", 1): self = .newSummaries
    case ("dependencies", 1): self = .newDependencies
    default: return nil
    }
  }

  /// Whether its answers are shaped after OTLP.
  var isNew: Bool {
    switch self {
    case .newServices, .newOperations, .newSearch, .newTrace, .newSummaries, .newDependencies: true
    default: false
    }
  }

  /// The methods that the path knows.
  var methods: [HTTPMethod] {
    switch self {
    case .transform, .archive: [.post]
    default: [.get, .head]
    }
  }
}
