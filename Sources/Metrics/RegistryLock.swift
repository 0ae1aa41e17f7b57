internal import Glibc

/// A value behind a pthread mutex, which ThreadSanitizer follows, unlike that of `Synchronization`.
@safe final class RegistryLock<Value>: @unchecked Sendable {
  // Unchecked: `value` is touched under the mutex alone, the pointer never changes.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private var value: Value

  init(_ value: sending Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body(&value)
  }
}
