import Synchronization

/// Bytes of requests that are in memory, over all connections.
///
/// A part of them is out of reach for large requests: otherwise four slow senders of 64 MiB each would hold the default
/// budget, and every other sender would be told to try again.
package final class InFlightBudget: Sendable {
  /// Up to here a request may use all of the budget, in bytes.
  private static let largestSmall = 1 << 20

  private let used = Atomic<Int>(0)
  private let limit: Int
  /// The limit for large requests.
  private let largeLimit: Int

  /// - Parameter largestRequest: A budget that holds few requests of this size, compressed and decompressed, reserves
  ///   nothing: they would never get in beside small ones.
  package init(limit: Int, largestRequest: Int) {
    self.limit = limit
    largeLimit = limit - max(0, min(limit / 4, limit - 2 * largestRequest))
  }

  /// What all requests hold.
  package var usedBytes: Int { used.load(ordering: .relaxed) }

  /// Takes bytes for a request that will then hold `total`.
  fileprivate func take(_ bytes: Int, total: Int) -> Bool {
    let after = used.wrappingAdd(bytes, ordering: .relaxed).newValue
    // One request alone may be larger than what is left for many.
    if after <= (total <= Self.largestSmall ? limit : largeLimit) || after == bytes { return true }
    used.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  fileprivate func give(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }

  /// What one request holds; given back when the value ends.
  package struct Share: ~Copyable {
    private let budget: InFlightBudget
    private var bytes = 0

    /// Starts with nothing.
    package init(_ budget: InFlightBudget) { self.budget = budget }

    deinit { budget.give(bytes) }

    /// Takes more of the budget.
    package mutating func grow(by more: Int) -> Bool {
      guard budget.take(more, total: bytes + more) else { return false }
      bytes += more
      return true
    }
  }

  /// The same for a request whose body is passed on; given back with the last reference.
  package final class Lease: Sendable {
    private let budget: InFlightBudget
    private let bytes = Atomic<Int>(0)

    /// Starts with nothing.
    package init(_ budget: InFlightBudget) { self.budget = budget }

    deinit { budget.give(bytes.load(ordering: .relaxed)) }

    /// Takes more of the budget.
    package func grow(by more: Int) -> Bool {
      guard budget.take(more, total: bytes.load(ordering: .relaxed) + more) else { return false }
      bytes.wrappingAdd(more, ordering: .relaxed)
      return true
    }
  }
}
