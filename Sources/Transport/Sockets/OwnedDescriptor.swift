import Glibc
import Synchronization

/// A descriptor on its way to an owner; closed when it never arrives.
///
/// A class and not a noncopyable value, because it travels inside a closure that a stopped loop may drop.
final class OwnedDescriptor: Sendable {
  let rawValue: Int32
  private let isReleased = Atomic(false)

  init(_ rawValue: Int32) { self.rawValue = rawValue }

  deinit {
    if !isReleased.load(ordering: .acquiring) { close(rawValue) }
  }

  /// Leaves the closing to somebody else.
  func release() { isReleased.store(true, ordering: .releasing) }
}
