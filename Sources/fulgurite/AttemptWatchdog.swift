import TraceStore
import Transport

/// Looks for attempts that are late or silent now and then, so that they are found when nobody asks the store either.
enum AttemptWatchdog {
  /// Starts to look, until the task is cancelled; the looks of clients, which are debounced, make none of these late.
  ///
  /// - Parameter interval: The time between two looks; zero = never.
  static func start(_ store: any RolloutStore, _ loop: EventLoop, interval: Duration) -> Task<Void, Never>? {
    guard interval > .zero else { return nil }
    return Task {
      while (try? await loop.sleep(for: interval)) != nil {
        // A store that cannot be written to says so to those who write, and in its metrics.
        try? await store.findLateAttempts(debounced: false)
      }
    }
  }
}
