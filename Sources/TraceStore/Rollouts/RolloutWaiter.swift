import Telemetry
import Threads

/// One who waits for rollouts to finish.
final class RolloutWaiter: Sendable {
  private enum State {
    /// Nobody waits yet; what has finished so far.
    case collecting(Set<ExactText>)
    /// What is still to finish.
    case waiting(Set<ExactText>, CheckedContinuation<Void, Never>)
    case woken
  }

  private let state = Locked(State.collecting([]))

  /// Returns when all of these have finished since the waiter was made, or when it is woken.
  func wait(for pending: Set<ExactText>) async {
    await withCheckedContinuation { continuation in
      let goesOn = state.withLock { state in
        guard case .collecting(let finished) = state else { return true }
        let rest = pending.subtracting(finished)
        state = rest.isEmpty ? .woken : .waiting(rest, continuation)
        return rest.isEmpty
      }
      if goesOn { continuation.resume() }
    }
  }

  func finished(_ id: ExactText) {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      switch state {
      case .collecting(var finished):
        // The set has one owner at a time, so that it is changed in place.
        state = .woken
        finished.insert(id)
        state = .collecting(finished)
      case .waiting(var pending, let continuation):
        state = .woken
        pending.remove(id)
        state = pending.isEmpty ? .woken : .waiting(pending, continuation)
        if pending.isEmpty { return continuation }
      case .woken: break
      }
      return nil
    }
    continuation?.resume()
  }

  /// Ends the wait whatever is pending.
  func wake() {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .woken }
      if case .waiting(_, let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume()
  }
}
