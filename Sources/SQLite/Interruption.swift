import Synchronization

/// Asks statements of any number of connections to end early; for good.
///
/// Unlike `sqlite3_interrupt` it also ends statements that start later, and needs no connection that is known to be open.
package final class Interruption: Sendable {
  private let flag = Atomic<Bool>(false)

  package init() {}

  /// Whether statements are to end.
  package var isRequested: Bool { flag.load(ordering: .relaxed) }

  /// Ends statements with `interrupted`; callable from any thread.
  package func request() { flag.store(true, ordering: .relaxed) }
}
