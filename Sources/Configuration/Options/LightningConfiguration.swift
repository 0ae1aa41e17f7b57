/// Agent Lightning's store API.
package struct LightningConfiguration: Sendable, Equatable {
  /// The shortest time between a search for attempts that are late and one that a client's call causes.
  ///
  /// Default 10 s, environment `FULGURITE_AGL_WATCHDOG_DEBOUNCE`.
  package var watchdogDebounce = Duration.seconds(10)
  /// The time between two searches for attempts that are late, whether or not anybody calls; 0 = none.
  ///
  /// Default 10 s, environment `FULGURITE_AGL_WATCHDOG_INTERVAL`.
  package var watchdogInterval = Duration.seconds(10)
  /// Which pages of other origins may use the API from a browser.
  ///
  /// Default none, environment `FULGURITE_AGL_CORS_ORIGINS`.
  package var corsOrigins: [String] = []

  /// The defaults.
  package init() {}
}

extension LightningConfiguration {
  static let options = [
    ConfigurationOption(
      "agl.watchdog_debounce", \.agl.watchdogDebounce, .duration,
      "How long after a search for attempts of Agent Lightning that are late or silent no call causes another."),
    ConfigurationOption(
      "agl.watchdog_interval", \.agl.watchdogInterval, .duration,
      "The time between two such searches that are made whether or not anybody calls; 0 means that only calls cause them."
    ),
    ConfigurationOption(
      "agl.cors_origins", \.agl.corsOrigins, .origins,
      "Which pages of other origins may use Agent Lightning's API from a browser: http://HOST:PORT or a list of them, "
        + "* for all; empty means none."),
  ]
}
