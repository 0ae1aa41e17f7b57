import Synchronization
import Threads
import TraceStore

/// How the store is doing, readable from any thread.
final class StoreStatus: Sendable {
  private struct State {
    var failure: StoreError?
    var commitListener: (@Sendable (Duration) -> Void)?
    var failureListener: (@Sendable (StoreError?) -> Void)?
    var isCheckpointFailing = false
    var checkpointListener: (@Sendable (StoreError?) -> Void)?
  }

  private let state = Monitor(State())
  /// Connections that were opened under a lower number are closed before their next use.
  private let generation = Atomic<Int>(0)

  /// Why the last write failed; `nil` when it did not.
  var failure: StoreError? { state.withLock { $0.failure } }

  var connectionGeneration: Int { generation.load(ordering: .acquiring) }

  func listen(
    toCommits commits: @escaping @Sendable (Duration) -> Void, failures: @escaping @Sendable (StoreError?) -> Void,
    checkpointFailures: @escaping @Sendable (StoreError?) -> Void
  ) {
    state.withLock { state in
      state.commitListener = commits
      state.failureListener = failures
      state.checkpointListener = checkpointFailures
    }
  }

  /// Notes how a checkpoint ended.
  ///
  /// - Parameter error: `nil` when it worked, which is passed on once after failures.
  func checkpointEnded(_ error: StoreError?) {
    let listener = state.withLock { state -> (@Sendable (StoreError?) -> Void)? in
      defer { state.isCheckpointFailing = error != nil }
      return error == nil && !state.isCheckpointFailing ? nil : state.checkpointListener
    }
    listener?(error)
  }

  func succeeded() {
    let listener = state.withLock { state -> (@Sendable (StoreError?) -> Void)? in
      guard state.failure != nil else { return nil }
      state.failure = nil
      return state.failureListener
    }
    listener?(nil)
  }

  func failed(_ error: StoreError) {
    let listener = state.withLock { state in
      state.failure = error
      return state.failureListener
    }
    listener?(error)
  }

  func commitLatency(_ latency: Duration) {
    state.withLock { $0.commitListener }?(latency)
  }

  func connectionsAreStale() { generation.add(1, ordering: .releasing) }
}
