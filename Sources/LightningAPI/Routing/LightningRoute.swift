import Transport

/// Where a request leads.
///
/// The path is decoded before it is cut, as AGL's server does it: an id with a slash in it matches no route, not even
/// as `%2F`. A slash at the end makes another path.
enum LightningRoute: Hashable {
  case operation(LightningOperation)
  /// The methods that the path has.
  case notAllowed([HTTPMethod])
  case notFound

  /// Bytes of an id; a longer one is the id of nothing.
  private static let longestPart = RequestFault.longestIdentifier

  /// What all paths begin with.
  static let prefix = "/v1/agl/"

  init(_ method: HTTPMethod, _ path: String) {
    let parts = PercentEncoding.decode(path.dropFirst(Self.prefix.count))?.split(
      separator: "/", omittingEmptySubsequences: false
    ).map(String.init)
    guard let parts, parts.count <= 4, !parts.contains(where: { $0.isEmpty || $0.utf8.count > Self.longestPart }) else {
      self = Self.unknown(method)
      return
    }
    let get = Self.get(parts)
    let post = Self.post(parts)
    switch (method, get, post) {
    case (.get, let operation?, _), (.post, _, let operation?): self = .operation(operation)
    case (_, nil, nil): self = Self.unknown(method)
    default: self = .notAllowed((get == nil ? [] : [.get]) + (post == nil ? [] : [.post]))
    }
  }

  /// AGL's server has one route for all paths, to GET its dashboard's pages: other methods find it and are refused.
  private static func unknown(_ method: HTTPMethod) -> LightningRoute {
    method == .get ? .notFound : .notAllowed([.get])
  }

  private static func get(_ parts: [String]) -> LightningOperation? {
    switch (parts[0], parts.count) {
    case ("health", 1): .health
    case ("statistics", 1): .statistics
    case ("rollouts", 1): .listRollouts
    case ("rollouts", 2): .rollout(parts[1])
    case ("rollouts", 3) where parts[2] == "attempts": .listAttempts(rollout: parts[1])
    case ("rollouts", 4) where parts[2] == "attempts" && parts[3] == "latest": .latestAttempt(rollout: parts[1])
    case ("workers", 1): .listWorkers
    case ("workers", 2): .worker(parts[1])
    case ("resources", 1): .listResources
    case ("resources", 2): parts[1] == "latest" ? .latestResources : .resources(parts[1])
    case ("spans", 1): .listSpans
    default: nil
    }
  }

  private static func post(_ parts: [String]) -> LightningOperation? {
    switch (parts[0], parts.count) {
    case ("spans", 1): .addSpan
    case ("spans", 2) where parts[1] == "search": .searchSpans
    case ("spans", 2) where parts[1] == "next": .nextSpan
    case ("queues", 3) where parts[1] == "rollouts" && parts[2] == "enqueue": .enqueue
    case ("queues", 3) where parts[1] == "rollouts" && parts[2] == "dequeue": .dequeue
    case ("rollouts", 1): .startRollout
    case ("rollouts", 2): parts[1] == "search" ? .searchRollouts : .updateRollout(parts[1])
    case ("rollouts", 3) where parts[2] == "attempts": .startAttempt(rollout: parts[1])
    case ("rollouts", 4) where parts[2] == "attempts":
      parts[3] == "search" ? .searchAttempts(rollout: parts[1]) : .updateAttempt(parts[3], rollout: parts[1])
    case ("workers", 2): parts[1] == "search" ? .searchWorkers : .updateWorker(parts[1])
    case ("resources", 1): .addResources
    case ("resources", 2): .updateResources(parts[1])
    case ("waits", 2) where parts[1] == "rollouts": .wait
    default: nil
    }
  }
}
