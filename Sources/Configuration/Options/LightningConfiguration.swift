/// Agent Lightning's store API.
package struct LightningConfiguration: Sendable, Equatable {
  /// The shortest time between two searches for attempts that are late.
  ///
  /// Default 10 s, environment `FULGURITE_AGL_WATCHDOG_DEBOUNCE`.
  package var watchdogDebounce = Duration.seconds(10)

  /// The defaults.
  package init() {}
}

extension LightningConfiguration {
  static let options = [
    ConfigurationOption(
      "agl.watchdog_debounce", \.agl.watchdogDebounce, .duration,
      "The shortest time between two searches for attempts of Agent Lightning that are late or silent.")
  ]
}
