import Glibc

/// The wall clock of the machine.
enum SystemClock {
  static func nanosecondsSince1970() -> Int64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }

  /// The time since the machine was started, asleep or not.
  static func uptime() -> Duration {
    var now = timespec()
    unsafe clock_gettime(CLOCK_BOOTTIME, &now)
    return .seconds(now.tv_sec) + .nanoseconds(now.tv_nsec)
  }
}
