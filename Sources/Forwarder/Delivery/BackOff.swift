/// How long to wait before a target is tried again.
package struct BackOff: Sendable {
  package struct Settings: Sendable, Hashable {
    /// The first wait, before jitter.
    package var initial = Duration.seconds(5)
    /// The longest wait, before jitter.
    package var maximum = Duration.seconds(30)

    package init() {}
  }

  /// What each wait is longer than the one before.
  private static let factor = 1.5
  /// By which part a wait is longer or shorter, so that senders that failed together do not come back together.
  private static let jitter = 0.5
  /// The longest time for which a target is left alone because it asks for that.
  static let longestRequest = Duration.seconds(3600)

  private let settings: Settings
  private var interval: Duration

  package init(_ settings: Settings) {
    self.settings = settings
    interval = settings.initial
  }

  /// The next wait.
  ///
  /// - Parameters:
  ///   - requested: What the target asks for; a wait is never shorter.
  ///   - random: A random number in 0..<1.
  package mutating func next(requested: Duration?, random: Double) -> Duration {
    let wait = interval * (1 - Self.jitter + 2 * Self.jitter * random)
    interval = min(settings.maximum, interval * Self.factor)
    return max(wait, min(requested ?? .zero, Self.longestRequest))
  }

  /// The target works.
  package mutating func reset() { interval = settings.initial }
}
