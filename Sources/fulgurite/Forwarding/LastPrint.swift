import Threads

/// Lets something be printed once a second.
final class LastPrint: Sendable {
  private let last = Locked<ContinuousClock.Instant>(.now)

  func isDue() -> Bool {
    last.withLock { last in
      guard last.duration(to: .now) >= .seconds(1) else { return false }
      last = .now
      return true
    }
  }
}
