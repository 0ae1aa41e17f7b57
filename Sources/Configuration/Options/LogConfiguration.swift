internal import Arguments
package import Logging

/// What is logged, on standard error.
package struct LogConfiguration: Sendable, Equatable {
  /// The level below which nothing is logged.
  ///
  /// Default `info`, environment `FULGURITE_LOG_LEVEL`.
  package var level = LogLevel.info
  /// How log lines are written.
  ///
  /// Default `text`, environment `FULGURITE_LOG_FORMAT`.
  package var format = LogFormat.text

  /// The defaults.
  package init() {}
}

extension LogConfiguration {
  static let options = [
    ConfigurationOption(
      "log.level", \.log.level, .word(named: \.name),
      "The level below which nothing is logged.",
      flag: Flag("--log-level", value: "LEVEL", "log from LEVEL on: debug, info, warning or error")),
    ConfigurationOption(
      "log.format", \.log.format, .word(),
      "How log lines are written: text for people, json for programs; always on standard error."),
  ]
}
