import Glibc

/// What the process needs of the system before anything else.
enum ProcessSetup {
  static func prepare() {
    // Spans hold prompts and answers of people: files are for the owner alone.
    umask(0o077)
    // A peer or a log reader that goes away is an error of one write, not the end of the process.
    signal(SIGPIPE, SIG_IGN)
    raiseDescriptorLimit()
  }

  private static func raiseDescriptorLimit() {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  /// Descriptors that files and other needs of the process may take.
  private static let ownDescriptors = 128

  /// How many connections the system lets the process have.
  static var mostConnections: Int {
    var limit = rlimit()
    guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return .max }
    return max(1, Int(clamping: limit.rlim_cur) - ownDescriptors)
  }
}
