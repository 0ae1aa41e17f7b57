internal import Synchronization

/// The number of the last span that was stored, for those who look whether there is something new.
package final class ArrivalCount: Sendable {
  private let last = Atomic<Int64>(0)

  package init() {}

  /// The number of the last span whose transaction has committed.
  package var value: Int64 { last.load(ordering: .acquiring) }

  /// Called by the writer after each commit.
  package func set(_ arrival: Int64) { last.store(arrival, ordering: .releasing) }
}
