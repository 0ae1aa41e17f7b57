import Glibc

/// The wall clock of the machine.
enum SystemClock {
  static func nanosecondsSince1970() -> Int64 {
    var now = timespec()
    unsafe clock_gettime(CLOCK_REALTIME, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}
