import Glibc
import Threads

/// SIGTERM, SIGINT and SIGHUP.
///
/// They are blocked for every thread and taken by one that waits for them, so that nothing runs inside a signal
/// handler. The first SIGTERM or SIGINT asks the server to stop; another one ends the process at once. SIGHUP asks it to
/// read again what may have changed, or to stop when it says that the terminal is gone in which the server was started.
final class ProcessSignals: Sendable {
  private struct State {
    var received: Int32?
    var waiter: CheckedContinuation<String, Never>?
    var hangupHandler: (@Sendable () -> Void)?
  }

  private let state = Monitor(State())

  /// Must be made before any other thread is started: threads inherit what is blocked.
  init() {
    var signals = sigset_t()
    unsafe sigemptyset(&signals)
    unsafe sigaddset(&signals, SIGTERM)
    unsafe sigaddset(&signals, SIGINT)
    unsafe sigaddset(&signals, SIGHUP)
    unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
    let state = state
    let blocked = signals
    let endsWithTerminal = Self.hasTerminal && !Self.isHangupIgnored
    Thread(name: "signals") { Self.wait(for: blocked, endsWithTerminal: endsWithTerminal, state) }.detach()
  }

  /// Whether the process was started to outlive its terminal, as `nohup` does it.
  ///
  /// Linux keeps a blocked signal for `sigwait` although it is to be ignored.
  private static var isHangupIgnored: Bool {
    var action = sigaction()
    unsafe sigaction(SIGHUP, nil, &action)
    return unsafe unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }

  /// Whether the process has a terminal that controls it.
  private static var hasTerminal: Bool {
    let terminal = unsafe open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard terminal >= 0 else { return false }
    close(terminal)
    return true
  }

  private static func wait(for signals: sigset_t, endsWithTerminal: Bool, _ state: Monitor<State>) {
    while true {
      var signals = signals
      var signal: Int32 = 0
      guard unsafe sigwait(&signals, &signal) == 0 else { continue }
      if signal == SIGHUP && !(endsWithTerminal && !hasTerminal) {
        // Until there is a handler, all is still to be read for the first time.
        state.withLock { $0.hangupHandler }?()
      } else {
        terminate(signal, state)
      }
    }
  }

  private static func terminate(_ signal: Int32, _ state: Monitor<State>) {
    let isSecond = state.withLock { state in
      defer { state.received = signal }
      state.waiter?.resume(returning: name(of: signal))
      state.waiter = nil
      return state.received != nil
    }
    // The end of a terminal is told more than once: by the shell and by the kernel.
    if isSecond && signal != SIGHUP { _exit(128 + signal) }
  }

  /// Has `handler` called for every SIGHUP from now on, on a thread that may block.
  func onHangup(_ handler: @escaping @Sendable () -> Void) { state.withLock { $0.hangupHandler = handler } }

  /// Waits for the first signal that asks to stop.
  ///
  /// - Returns: Its name.
  func firstTermination() async -> String {
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

  private static func name(of signal: Int32) -> String {
    switch signal {
    case SIGINT: "SIGINT"
    case SIGHUP: "SIGHUP"
    default: "SIGTERM"
    }
  }
}
