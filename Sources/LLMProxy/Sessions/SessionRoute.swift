import Transport

/// What of the interface a path names, with or without `/v1` before it.
enum SessionRoute {
  case start, end, reward, export, health

  init?(_ path: String) {
    switch path.hasPrefix("/v1/") ? String(path.dropFirst(3)) : path {
    case "/rl/start_session": self = .start
    case "/rl/end_session": self = .end
    case "/rl/set_reward": self = .reward
    case "/export_trajectories": self = .export
    case "/health": self = .health
    default: return nil
    }
  }

  var methods: [HTTPMethod] { self == .health ? [.get, .head] : [.post] }
}
