import Logging
import Synchronization

/// Keeps log lines, and is the clock of the logger.
final class Recorder: Sendable {
  private let recorded = Mutex<[String]>([])
  /// In seconds.
  let uptime = Atomic<Int>(0)

  var lines: [String] { recorded.withLock { $0 } }

  func logger(level: LogLevel = .info, format: LogFormat = .text) -> Logger {
    let sink = LogSink { line in self.recorded.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
    let clock = LogClock(
      now: { Timestamp(millisecondsSinceEpoch: 1_795_269_791_123) },
      uptime: { .seconds(self.uptime.load(ordering: .relaxed)) })
    return Logger(level: level, format: format, sink: sink, clock: clock)
  }
}
