internal import Synchronization

/// A number that only grows.
///
/// [Counter](https://prometheus.io/docs/concepts/metric_types/#counter). Any thread may count; a count costs one atomic
/// addition.
package final class Counter: Sendable {
  private let count = Atomic<UInt64>(0)

  init() {}

  /// Counts; an amount below 0 is a fault of the program and traps.
  package func increment(by amount: Int = 1) {
    precondition(amount >= 0, "a counter only grows")
    count.wrappingAdd(UInt64(amount), ordering: .relaxed)
  }

  /// The count at this moment.
  package var value: UInt64 { count.load(ordering: .relaxed) }
}
