import Glibc

/// Decides whether a thread that has nothing to do looks for work again and again, or sleeps.
///
/// To sleep and to be woken costs more than the wait itself where work comes within some microseconds: the waker has to
/// reach another core, and that core may have to leave a state of rest, together 10 to 50 us on a virtual machine. A
/// thread stays awake for ``limit`` at most, and only as long as most of its last waits were shorter than that.
///
/// Whoever stays awake yields after each look: what others have for the core goes first.
package struct ShortWaits {
  /// How long a thread stays awake at most, and what counts as a short wait: nanoseconds.
  private let limit: UInt64
  /// Trust that is needed to stay awake, and the most there can be.
  private static let enough = 4
  private static let most = 8
  /// What a long wait costs; a short one earns 1.
  private static let loss = 2

  private var trust = 0
  private var idleSince: UInt64?

  package init(limit: Duration) { self.limit = UInt64(limit / .nanoseconds(1)) }

  /// Nanoseconds of a monotonic clock.
  package static var now: UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }

  /// Work has come.
  package mutating func workCame(now: UInt64 = Self.now) {
    guard let since = idleSince.take() else { return }
    trust = now < since + limit ? min(trust + 1, Self.most) : max(trust - Self.loss, 0)
  }

  /// There is nothing left to do.
  ///
  /// - Returns: Whether to look again at once instead of sleeping.
  package mutating func staysAwake(now: UInt64 = Self.now) -> Bool {
    let since = idleSince ?? now
    idleSince = since
    return trust >= Self.enough && now < since + limit
  }
}
