import Glibc

/// A value that one thread at a time can touch.
///
/// Built on a pthread mutex, because ThreadSanitizer does not follow the futex in `Synchronization.Mutex` and then
/// reports races that are not there.
@safe package final class Locked<Value>: @unchecked Sendable {
  // `value` is guarded by `mutex`. The mutex has an address of its own because pthread forbids moving it.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  package init(_ value: sending Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  /// Runs `body` while no other thread can touch the value.
  package func withLock<Result, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&value)
  }
}
