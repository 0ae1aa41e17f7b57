/// Writes structured log lines.
///
/// A value that is passed to whoever logs; there is no global one. Fields below the level are not even computed.
package struct Logger: Sendable {
  /// Lines below it are not written.
  package let level: LogLevel
  private let format: LogFormat
  private let sink: LogSink
  private let context: LogFields
  let clock: LogClock

  /// Makes a logger; the defaults write text from `info` on to standard error.
  package init(
    level: LogLevel = .info, format: LogFormat = .text, sink: LogSink = .standardError, clock: LogClock = .system
  ) {
    self.init(level: level, format: format, sink: sink, clock: clock, context: [:])
  }

  private init(level: LogLevel, format: LogFormat, sink: LogSink, clock: LogClock, context: LogFields) {
    self.level = level
    self.format = format
    self.sink = sink
    self.clock = clock
    self.context = context
  }

  /// A logger that writes these fields first on every line.
  package func with(_ fields: LogFields) -> Logger {
    Logger(level: level, format: format, sink: sink, clock: clock, context: context + fields)
  }

  /// Writes a line, unless its level is too low.
  ///
  /// - Parameters:
  ///   - message: What happened, in constant words; what varies goes into the fields.
  ///   - fields: Never tokens, keys or payloads.
  package func log(
    _ level: LogLevel, _ message: @autoclosure () -> String, _ fields: @autoclosure () -> LogFields = [:]
  ) {
    guard level >= self.level else { return }
    let line = LogLine(time: clock.now(), level: level, message: message(), fields: context + fields())
    sink.write(line.rendered(as: format))
  }

  /// Writes a line for finding a fault.
  package func debug(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.debug, message(), fields())
  }

  /// Writes a line that belongs to normal operation.
  package func info(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.info, message(), fields())
  }

  /// Writes a line about something wrong that harms nobody yet.
  package func warning(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.warning, message(), fields())
  }

  /// Writes a line about something that could not be done.
  package func error(_ message: @autoclosure () -> String, _ fields: @autoclosure () -> LogFields = [:]) {
    log(.error, message(), fields())
  }
}
