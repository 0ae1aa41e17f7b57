import Synchronization

/// A wall clock that goes on by one nanosecond with each look at it.
final class ManualTime: Sendable {
  private let value = Atomic<Int64>(0)

  var next: @Sendable () -> Int64 {
    { self.value.add(1, ordering: .relaxed).newValue }
  }
}
