import Glibc
import Threads

/// SIGTERM and SIGINT.
///
/// They are blocked for every thread and taken by one that waits for them, so that nothing runs inside a signal
/// handler. The first asks the server to stop; another one ends the process at once.
final class TerminationSignals: Sendable {
  private struct State {
    var received: Int32?
    var waiter: CheckedContinuation<String, Never>?
  }

  private let state = Monitor(State())

  /// Must be made before any other thread is started: threads inherit what is blocked.
  init() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    let state = state
    let blocked = signals
    Thread(name: "signals") { Self.wait(for: blocked, state) }.detach()
  }

  private static func wait(for signals: sigset_t, _ state: Monitor<State>) {
    while true {
      var signals = signals
      var signal: Int32 = 0
      guard unsafe sigwait(&signals, &signal) == 0 else { continue }
      let isSecond = state.withLock { state in
        defer { state.received = signal }
        state.waiter?.resume(returning: name(of: signal))
        state.waiter = nil
        return state.received != nil
      }
      if isSecond { _exit(128 + signal) }
    }
  }

  /// Waits for the first signal.
  ///
  /// - Returns: Its name.
  func first() async -> String {
    await withCheckedContinuation { continuation in
      state.withLock { state in
        if let received = state.received {
          continuation.resume(returning: Self.name(of: received))
        } else {
          state.waiter = continuation
        }
      }
    }
  }

  private static func name(of signal: Int32) -> String { signal == SIGINT ? "SIGINT" : "SIGTERM" }
}
