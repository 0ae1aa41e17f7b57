import Synchronization

/// Bytes of requests that are in memory, over all connections.
final class InFlightBudget: Sendable {
  private let used = Atomic<Int>(0)
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var usedBytes: Int { used.load(ordering: .relaxed) }

  fileprivate func take(_ bytes: Int) -> Bool {
    let after = used.wrappingAdd(bytes, ordering: .relaxed).newValue
    // One request alone may be larger than what is left for many.
    if after <= limit || after == bytes { return true }
    used.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  fileprivate func give(_ bytes: Int) { used.wrappingSubtract(bytes, ordering: .relaxed) }

  /// What one request holds; given back when the value ends.
  struct Share: ~Copyable {
    private let budget: InFlightBudget
    private var bytes = 0

    init(_ budget: InFlightBudget) { self.budget = budget }

    deinit { budget.give(bytes) }

    /// Takes more of the budget.
    mutating func grow(by more: Int) -> Bool {
      guard budget.take(more) else { return false }
      bytes += more
      return true
    }
  }
}
