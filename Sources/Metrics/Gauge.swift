internal import Synchronization

/// A number that goes up and down.
///
/// [Gauge](https://prometheus.io/docs/concepts/metric_types/#gauge). A value that somebody else keeps anyway is better
/// read by a callback: ``MetricsRegistry/gauge(_:_:labels:read:)``.
package final class Gauge: Sendable {
  private let current = Atomic<Int64>(0)

  init() {}

  /// Replaces the value.
  package func set(to value: Int64) { current.store(value, ordering: .relaxed) }

  /// Adds an amount, which may be negative.
  package func add(_ amount: Int64) { current.wrappingAdd(amount, ordering: .relaxed) }

  /// The value at this moment.
  package var value: Int64 { current.load(ordering: .relaxed) }
}
