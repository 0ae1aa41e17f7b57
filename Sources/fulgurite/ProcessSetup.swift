import Glibc

/// What the process needs of the system before anything else.
enum ProcessSetup {
  /// Makes a peer or a reader of the output that goes away an error of one write, not the end of the process.
  static func ignoreBrokenPipes() { signal(SIGPIPE, SIG_IGN) }

  /// What only the server needs.
  static func prepare() {
    // Spans hold prompts and answers of people: files are for the owner alone.
    umask(0o077)
    raiseDescriptorLimit()
  }

  /// Occupies the standard descriptors that are closed, so that no file or socket gets the number of one of them and is
  /// written to in its place.
  ///
  /// They are opened for the other direction, so that the use of each is still an error, as glibc does it for programs
  /// that run set-user-ID.
  static func fillStandardDescriptors() {
    // In this order each gets the number that is wanted, the lowest that is free.
    for (descriptor, mode) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)]
    where fcntl(descriptor, F_GETFD) < 0 {
      _ = unsafe open("/dev/null", mode)
    }
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
