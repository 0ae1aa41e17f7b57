import Threads

/// When a search for late attempts is worth while; shared by the writer and those who ask it for one.
final class WatchdogSchedule: Sendable {
  private struct State {
    /// No attempt is late before.
    var next = -Double.infinity
    var lastSearch = -Double.infinity
  }

  private let state = Locked(State())
  /// The shortest time between a search and a debounced one after it, in seconds.
  private let debounce: Double

  init(debounce: Duration) { self.debounce = debounce / .seconds(1) }

  /// Whether an attempt may be late, and, for a search that is debounced, the last one was long enough ago.
  ///
  /// - Parameter now: Seconds since 1970, here and below.
  func isDue(now: Double, debounced: Bool) -> Bool {
    state.withLock { state in
      // After the clock was set back, what is due is not known.
      if now < state.lastSearch { return true }
      return now > state.next && (!debounced || now - state.lastSearch >= debounce)
    }
  }

  /// Notes when an attempt can be late; minus infinity when that is not known.
  func expect(at time: Double) {
    state.withLock { $0.next = min($0.next, time) }
  }

  /// Notes a search that found no attempt due before `next`, but for those that were given up.
  func searched(now: Double, next: Double) {
    state.withLock { state in
      state.next = next
      state.lastSearch = now
    }
  }
}
