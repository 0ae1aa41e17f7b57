/// How much a log line matters.
package enum LogLevel: Int, CaseIterable, Comparable, Sendable {
  /// For finding a fault; never in normal operation.
  case debug
  /// Starts, stops and other things that happen a few times a day.
  case info
  /// Something is wrong, the program goes on as promised.
  case warning
  /// Something that was asked for could not be done.
  case error

  /// As configurations and log lines spell it.
  package var name: String {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  /// Whether the first matters less than the second.
  package static func < (first: LogLevel, second: LogLevel) -> Bool { first.rawValue < second.rawValue }
}

/// How log lines are written.
package enum LogFormat: String, CaseIterable, Sendable {
  /// `2026-11-21T14:03:11.123Z info    listening address=127.0.0.1:4318`
  case text
  /// One JSON object a line, with the members `time`, `level`, `message` and the fields.
  case json
}
