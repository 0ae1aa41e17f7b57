/// Tells how old things are, and does not believe a clock that jumps.
///
/// A wall clock that was set to next year would make everything too old at once. So what goes by its age waits for a
/// while when the clock has run ahead of the time that has passed, or when a store is opened in which everything would be too
/// old: by then somebody has seen the warning and set the clock right, or it was right.
struct RetentionClock {
  /// By how much the wall clock may run ahead of the time that passes, in nanoseconds: it is corrected now and then.
  private static let tolerance: Int64 = 300_000_000_000

  /// How far the wall clock was ahead of the time that has passed, at most.
  private var offset: Int64?
  private var blockedUntil: Duration?

  /// - Parameters:
  ///   - wall: Nanoseconds since 1970.
  ///   - uptime: The time that has passed since some moment.
  ///   - newest: When the newest span came; `nil` without spans.
  ///   - shortestAge: What is older than that goes; `nil` when nothing goes by its age.
  ///   - grace: How long to wait after a jump.
  /// - Returns: Whether what is too old may go, and whether that has changed.
  mutating func observe(wall: Int64, uptime: Duration, newest: Int64?, shortestAge: Duration?, grace: Duration) -> (
    isTrusted: Bool, hasChanged: Bool
  ) {
    let passed = uptime.nanoseconds
    let wasBlocked = blockedUntil != nil
    let ahead = wall - passed
    let hasJumped: Bool
    if let offset {
      hasJumped = ahead - offset > Self.tolerance
    } else {
      hasJumped = if let newest, let shortestAge { wall - newest > shortestAge.nanoseconds } else { false }
    }
    // A clock that was set back is believed at once: then fewer are too old.
    if let offset, offset - ahead > Self.tolerance { blockedUntil = nil }
    offset = ahead
    if hasJumped { blockedUntil = uptime + grace }
    if let until = blockedUntil, uptime >= until { blockedUntil = nil }
    let isBlocked = blockedUntil != nil
    return (!isBlocked, isBlocked != wasBlocked)
  }
}

extension Duration {
  /// Whole nanoseconds; the longest that fit for longer ones.
  var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    return overflow ? (seconds < 0 ? .min : .max) : product + attoseconds / 1_000_000_000
  }
}
