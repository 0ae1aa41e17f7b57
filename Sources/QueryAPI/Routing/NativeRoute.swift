import Transport

/// What a request asks of the native interface.
enum NativeRoute: Hashable {
  case rollouts
  case spansOfRollout(String)
  case diagnosis(String)
  case pin(String)
  case trace(String)
  case attribution(trace: String, span: String)
  case unassigned
  case unassignedSpans
  case claim
  case bindings
  case binding(String)
  case sessions
  case session(String)
  case retags
  case refused

  static let prefix = "/api/v1/"

  /// - Returns: `nil` for a path that is not of this interface.
  init?(_ path: String) {
    guard path.hasPrefix(Self.prefix) else { return nil }
    var parts: [String] = []
    for part in path.dropFirst(Self.prefix.count).split(separator: "/", omittingEmptySubsequences: false) {
      guard let part = PercentEncoding.decode(part) else { return nil }
      parts.append(part)
    }
    switch (parts[0], parts.count) {
    case ("rollouts", 1): self = .rollouts
    case ("rollouts", 3) where parts[2] == "spans": self = .spansOfRollout(parts[1])
    case ("rollouts", 3) where parts[2] == "diagnosis": self = .diagnosis(parts[1])
    case ("rollouts", 3) where parts[2] == "pin": self = .pin(parts[1])
    case ("traces", 2): self = .trace(parts[1])
    case ("spans", 4) where parts[3] == "attribution": self = .attribution(trace: parts[1], span: parts[2])
    case ("unassigned", 1): self = .unassigned
    case ("unassigned", 2) where parts[1] == "spans": self = .unassignedSpans
    case ("unassigned", 2) where parts[1] == "claim": self = .claim
    case ("bindings", 1): self = .bindings
    case ("bindings", 2): self = .binding(parts[1])
    case ("sessions", 1): self = .sessions
    case ("sessions", 2): self = .session(parts[1])
    case ("retags", 1): self = .retags
    case ("refused", 1): self = .refused
    default: return nil
    }
  }

  /// The methods that the path knows.
  var methods: [HTTPMethod] {
    switch self {
    case .bindings, .sessions: [.get, .head, .post]
    case .binding, .session: [.delete]
    case .claim: [.post]
    case .pin: [.post, .delete]
    default: [.get, .head]
    }
  }
}
