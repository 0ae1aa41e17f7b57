/// Counts events in windows of time, to tell when there are too many.
struct EventMeter {
  private let limit: Int
  /// The length of a window in milliseconds.
  private let interval: UInt64
  private var windowStart: UInt64 = 0
  private var count = 0

  init(limit: Int, interval: Duration) {
    self.limit = limit
    self.interval = interval.wholeMilliseconds
  }

  /// Counts one event.
  ///
  /// - Returns: Whether there are more than the limit in this window.
  mutating func record(at now: UInt64) -> Bool {
    if count == 0 || now - windowStart >= interval { (windowStart, count) = (now, 0) }
    count += 1
    return count > limit
  }
}
