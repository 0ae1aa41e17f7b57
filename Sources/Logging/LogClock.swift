internal import Glibc

/// Where log lines take their time from; tests bring their own.
package struct LogClock: Sendable {
  /// The time of day, for people.
  let now: @Sendable () -> Timestamp
  /// The time since some fixed moment, which never goes back, for intervals.
  let uptime: @Sendable () -> Duration

  /// Makes a clock of two functions that any thread may call.
  package init(now: @escaping @Sendable () -> Timestamp, uptime: @escaping @Sendable () -> Duration) {
    self.now = now
    self.uptime = uptime
  }

  /// The clocks of the kernel.
  package static let system = LogClock(
    now: {
      let time = read(CLOCK_REALTIME)
      return Timestamp(millisecondsSinceEpoch: Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000)
    },
    uptime: {
      let time = read(CLOCK_MONOTONIC)
      return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
    })

  private static func read(_ clock: clockid_t) -> timespec {
    var time = timespec()
    // Both clocks exist on every Linux, so the call cannot fail.
    _ = unsafe clock_gettime(clock, &time)
    return time
  }
}
