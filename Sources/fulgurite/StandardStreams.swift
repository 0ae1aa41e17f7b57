import Glibc
import Synchronization

/// Standard output, for what was asked for.
///
/// The process has one, so what became of it is global too.
enum StandardOutput {
  /// The `errno` of the write that failed first; 0 while none has.
  private static let failure = Atomic<Int32>(0)

  /// Writes all of the bytes, or notes that the output is lost.
  ///
  /// After a failure nothing more is written: an output that lacks its end is seen to lack something.
  static func write(_ bytes: [UInt8]) {
    guard !isLost else { return }
    failure.store(writeAll(bytes, to: STDOUT_FILENO), ordering: .relaxed)
  }
  static func write(_ text: String) { write(Array(text.utf8)) }

  /// Whether a write has failed, so that nothing more need be made for it.
  static var isLost: Bool { failure.load(ordering: .relaxed) != 0 }

  /// Notes it when the reader of a pipe is gone, which otherwise the next write would find out.
  static func look() {
    // Errors are reported whether or not they are asked for.
    var stream = pollfd(fd: STDOUT_FILENO, events: 0, revents: 0)
    guard unsafe poll(&stream, 1, 0) > 0, Int32(stream.revents) & (POLLERR | POLLHUP) != 0 else { return }
    if !isLost { failure.store(EPIPE, ordering: .relaxed) }
  }

  /// The status that a command ends with whose result is its output.
  ///
  /// A reader that has seen enough and closed its end of a pipe is no failure.
  ///
  /// - Parameter status: What the command has ended with.
  /// - Returns: A failure, with a message for people, when some of the output was lost.
  static func status(after status: Int32) -> Int32 {
    let code = failure.load(ordering: .relaxed)
    guard code != 0, code != EPIPE else { return status }
    let reason = unsafe String(cString: strerror(code))
    StandardError.write("fulgurite: cannot write to standard output: \(reason)\n")
    return status == ExitStatus.success ? ExitStatus.failure : status
  }
}

/// Standard error, for people.
enum StandardError {
  static func write(_ text: String) { _ = writeAll(Array(text.utf8), to: STDERR_FILENO) }
}

/// - Returns: 0, or the `errno` of the write that failed.
private func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
  var rest = bytes[...]
  while !rest.isEmpty {
    let count = unsafe rest.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
    if count < 0 {
      let code = errno
      if code == EINTR { continue }
      return code
    }
    // Not known of any system, and would go on for ever.
    guard count > 0 else { return EIO }
    rest = rest.dropFirst(count)
  }
  return 0
}
