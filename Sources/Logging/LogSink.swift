internal import Glibc

/// Where log lines go.
package struct LogSink: Sendable {
  /// Takes one line with its line feed, from any thread.
  let write: @Sendable ([UInt8]) -> Void

  /// Makes a sink of a function that any thread may call with a line, its line feed included.
  package init(_ write: @escaping @Sendable ([UInt8]) -> Void) { self.write = write }

  /// Standard error, one `write` a line, so that lines of several threads do not mix.
  ///
  /// The program has to ignore `SIGPIPE`, or a reader of its log that goes away ends it.
  package static let standardError = LogSink { line in writeLine(line, to: STDERR_FILENO) }

  /// Writes a line to a descriptor that stays open for as long as the sink is used.
  package static func descriptor(_ descriptor: Int32) -> LogSink {
    LogSink { line in writeLine(line, to: descriptor) }
  }
}

/// A full disk or a reader that went away loses the line: the log is the last place to complain about itself.
private func writeLine(_ line: [UInt8], to descriptor: Int32) {
  unsafe line.withUnsafeBytes { bytes in
    var rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[...])
    while unsafe !rest.isEmpty {
      let count = unsafe write(descriptor, rest.baseAddress, rest.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      unsafe rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
    }
  }
}
