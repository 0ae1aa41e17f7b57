import CLinux
import Glibc

/// An operating-system thread that runs one closure.
///
/// Blocking work (SQLite, file syncs) has threads of its own: the shared pool of Swift's concurrency has one thread per
/// core, and a few blocking calls there would stall every task of the process.
@safe package struct Thread: ~Copyable, @unchecked Sendable {
  // A pthread handle may be joined from any thread; being noncopyable, it is joined once.
  private let handle: pthread_t

  /// Starts a thread.
  ///
  /// - Parameters:
  ///   - name: What `top` and a debugger show. The kernel keeps the first 15 bytes.
  ///   - niceness: By how much other threads go before this one where cores are scarce, 0 to 19.
  ///   - body: What the thread runs.
  package init(name: String, niceness: Int32 = 0, _ body: @escaping @Sendable () -> Void) {
    let start = unsafe Unmanaged.passRetained(Start(name: name, niceness: niceness, body: body))
    var handle = pthread_t()
    let code = unsafe pthread_create(&handle, nil, runThread, start.toOpaque())
    // Threads are made at start only; without them the program cannot do its job.
    precondition(code == 0, "no thread could be started")
    self.handle = handle
  }

  /// Waits until the closure has returned.
  package consuming func join() {
    pthread_join(handle, nil)
  }

  /// Lets the thread end on its own.
  package consuming func detach() {
    pthread_detach(handle)
  }
}

private final class Start: Sendable {
  let name: String
  let niceness: Int32
  let body: @Sendable () -> Void

  init(name: String, niceness: Int32, body: @escaping @Sendable () -> Void) {
    self.name = name
    self.niceness = niceness
    self.body = body
  }
}

// A named function, because a closure written inside an isolated context would carry a check that traps here.
private func runThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let start = unsafe Unmanaged<Start>.fromOpaque(context!).takeRetainedValue()
  _ = unsafe clinux_set_thread_name(start.name)
  // On Linux this is about the calling thread alone.
  if start.niceness > 0 { setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, start.niceness) }
  start.body()
  return nil
}
