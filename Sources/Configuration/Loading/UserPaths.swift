/// The places of a user, after the environment
/// ([XDG base directories](https://specifications.freedesktop.org/basedir-spec/latest/)).
struct UserPaths {
  private let home: String?
  private let dataHome: String?

  init(environment: [String: String]) {
    // "All paths set in these environment variables must be absolute", others are ignored.
    home = environment["HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
    dataHome = environment["XDG_DATA_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
  }

  /// - Returns: `nil` when it would lie in the home directory and there is none.
  func dataDirectory(configured: String) -> String? {
    if !configured.isEmpty { return expand(configured) }
    return (dataHome ?? home.map { "\($0)/.local/share" }).map { "\($0)/fulgurite" }
  }

  /// Replaces a leading `~/`, which no shell has seen in a file.
  func expand(_ path: String) -> String? {
    guard path.hasPrefix("~/") else { return path }
    return home.map { $0 + path.dropFirst() }
  }
}
