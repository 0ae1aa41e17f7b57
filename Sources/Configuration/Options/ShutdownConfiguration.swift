/// How the program ends.
package struct ShutdownConfiguration: Sendable, Equatable {
  /// How long requests that are in flight may take when the program ends.
  ///
  /// Default 10 s, environment `FULGURITE_SHUTDOWN_DEADLINE`.
  package var deadline = Duration.seconds(10)

  /// The defaults.
  package init() {}
}

extension ShutdownConfiguration {
  static let options = [
    ConfigurationOption(
      "shutdown.deadline", \.shutdown.deadline, .duration,
      "How long requests that are in flight may take when the program ends.")
  ]
}
