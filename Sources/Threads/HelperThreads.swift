/// A few threads for computations that would hold an event loop for too long.
///
/// Jobs start in the order in which they came, and each runs to its end on one thread. The number of threads bounds what
/// runs at the same time; what waits is bounded by whoever hands jobs in.
package final class HelperThreads: Sendable {
  private struct State {
    var jobs: [@Sendable () -> Void] = []
    var isClosing = false
  }

  private let state = Monitor(State())

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - name: What `top` and a debugger show, followed by a number.
  ///   - niceness: By how much other threads go before these where cores are scarce, 0 to 19.
  package init(name: String, count: Int, niceness: Int32 = 0) {
    let state = state
    // The threads hold the state and not this object, so that its end can be theirs.
    for number in 1...max(1, count) {
      Thread(name: "\(name)-\(number)", niceness: niceness) { Self.work(state) }.detach()
    }
  }

  deinit {
    // Whoever waits for a job keeps this object, so there is none left.
    state.update { state in
      state.isClosing = true
      return true
    }
  }

  /// Runs `body` on one of the threads, and gives what it returns; the caller's thread is free meanwhile.
  package func run<Value: Sendable, Failure>(
    _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result: Result<Value, Failure> = await withCheckedContinuation { continuation in
      state.update { state in
        state.jobs.append {
          do throws(Failure) {
            continuation.resume(returning: .success(try body()))
          } catch {
            continuation.resume(returning: .failure(error))
          }
        }
        return true
      }
    }
    return try result.get()
  }

  private static func work(_ state: Monitor<State>) {
    while let job = next(state) { job() }
  }

  private static func next(_ state: Monitor<State>) -> (@Sendable () -> Void)? {
    state.wait(until: { !$0.jobs.isEmpty || $0.isClosing }) { state in
      state.jobs.isEmpty ? nil : state.jobs.removeFirst()
    }
  }
}
