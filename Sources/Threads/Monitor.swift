import Glibc

/// A value behind a lock that threads can also wait on.
///
/// Built on pthread because ThreadSanitizer follows pthread locks; it does not follow the futex in
/// `Synchronization.Mutex`, and then reports races that are not there.
@safe package final class Monitor<Value>: @unchecked Sendable {
  // The mutex guards `value`.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>
  private var value: Value

  package init(_ value: sending Value) {
    self.value = value
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    unsafe pthread_condattr_init(&attributes)
    // A wait with a time limit must not depend on the wall clock.
    unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    unsafe pthread_cond_init(condition, &attributes)
    unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Runs `body` while no other thread can touch the value.
  ///
  /// Waiting threads are not woken.
  package func withLock<Result, Failure>(_ body: (inout Value) throws(Failure) -> Result) throws(Failure) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body(&value)
  }

  /// Runs `body` under the lock, then wakes every waiting thread if `body` changed what they wait for.
  ///
  /// - Parameter body: Its result tells whether to wake anybody.
  package func update(_ body: (inout Value) -> Bool) {
    unsafe pthread_mutex_lock(mutex)
    let isChanged = body(&value)
    // After the unlock, so that the woken thread does not run into the lock.
    unsafe pthread_mutex_unlock(mutex)
    if isChanged { unsafe pthread_cond_broadcast(condition) }
  }

  /// Runs `body` under the lock, then wakes one waiting thread if `body` changed what any of them can go on with.
  ///
  /// For work that one thread can do; waking the others would have them look, and wait again.
  ///
  /// - Parameter body: Its result tells whether to wake anybody.
  package func updateForOne(_ body: (inout Value) -> Bool) {
    unsafe pthread_mutex_lock(mutex)
    let isChanged = body(&value)
    unsafe pthread_mutex_unlock(mutex)
    if isChanged { unsafe pthread_cond_signal(condition) }
  }

  /// Blocks the thread until `ready` holds, then runs `body` under the lock.
  package func wait<Result>(until ready: (Value) -> Bool, _ body: (inout Value) -> Result) -> Result {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while !ready(value) { unsafe pthread_cond_wait(condition, mutex) }
    return body(&value)
  }

  /// Blocks the thread until `ready` holds or the time is over, then runs `body` under the lock.
  package func wait<Result>(
    atMost timeout: Duration, until ready: (Value) -> Bool, _ body: (inout Value) -> Result
  ) -> Result {
    var limit = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &limit)
    let (seconds, attoseconds) = timeout.components
    let nanoseconds = Int64(limit.tv_nsec) + attoseconds / 1_000_000_000
    limit.tv_sec += Int(seconds + nanoseconds / 1_000_000_000)
    limit.tv_nsec = Int(nanoseconds % 1_000_000_000)
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    while !ready(value), unsafe pthread_cond_timedwait(condition, mutex, &limit) != ETIMEDOUT {}
    return body(&value)
  }
}
