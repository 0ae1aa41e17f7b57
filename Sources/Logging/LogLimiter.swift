internal import Synchronization

/// Lets a failure that repeats write one line an interval instead of one line each time.
///
/// The first occurrence is written at once; later ones are counted, and the next line that is written says how many
/// were left out, in the field `suppressed`. Lock-free, for any number of threads. Because the last count is written only when the
/// failure comes again, what must be known exactly belongs into a metric.
package final class LogLimiter: Sendable {
  private let interval: Duration
  /// The uptime in nanoseconds from which the next line may be written.
  private let opensAt = Atomic<Int64>(.min)
  private let suppressed = Atomic<Int>(0)

  /// - Parameter interval: At least a nanosecond; at most a line in this time.
  package init(interval: Duration = .seconds(10)) {
    precondition(interval > .zero, "the interval of a log limiter is positive")
    self.interval = interval
  }

  /// Writes a line, or counts it as suppressed.
  package func log(
    _ logger: Logger, _ level: LogLevel, _ message: @autoclosure () -> String,
    _ fields: @autoclosure () -> LogFields = [:]
  ) {
    guard level >= logger.level, let suppressed = admit(at: logger.clock.uptime()) else { return }
    let count: LogFields = suppressed == 0 ? [:] : ["suppressed": .count(suppressed)]
    logger.log(level, message(), fields() + count)
  }

  /// Decides about one occurrence.
  ///
  /// - Returns: How many were suppressed since the last admitted one; `nil` if this one is suppressed as well.
  func admit(at uptime: Duration) -> Int? {
    let now = uptime.nanoseconds
    let opening = opensAt.load(ordering: .relaxed)
    // Whoever moves the opening writes the line; the others that came at the same time are suppressed.
    guard now >= opening,
      opensAt.compareExchange(expected: opening, desired: now + interval.nanoseconds, ordering: .relaxed).exchanged
    else {
      suppressed.wrappingAdd(1, ordering: .relaxed)
      return nil
    }
    return suppressed.exchange(0, ordering: .relaxed)
  }
}

extension Duration {
  /// Whole nanoseconds; enough for 292 years.
  fileprivate var nanoseconds: Int64 {
    components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000
  }
}
