import Telemetry
import TraceStore

/// A store that takes every span and keeps none.
final class NoStore: RolloutStore, SpanReader {
  let finishedRollouts = RolloutWatch()

  func add(_ span: NewSpan) async throws(RolloutFault) -> Bool { true }
  func findLateAttempts(debounced: Bool) async throws(RolloutFault) {}

  private var refusal: RolloutFault { .store(StoreError(.refused, "not measured")) }

  func enqueue(_ rollouts: [NewRollout], once: RequestKey?) async throws(RolloutFault) -> [Rollout] { throw refusal }
  func start(_ rollout: NewRollout, worker: String?, once: RequestKey?) async throws(RolloutFault) -> AttemptedRollout {
    throw refusal
  }
  func dequeue(limit: Int, worker: String?, once: RequestKey?) async throws(RolloutFault) -> [AttemptedRollout] {
    throw refusal
  }
  func startAttempt(of rollout: String, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout
  { throw refusal }
  func update(rollout: String, _ change: RolloutChange) async throws(RolloutFault) -> Rollout { throw refusal }
  func update(attempt: AttemptReference, of rollout: String, _ change: AttemptChange) async throws(RolloutFault)
    -> Attempt
  { throw refusal }
  func heartbeat(ofWorker worker: String, stats: JSONText?) async throws(RolloutFault) -> Worker { throw refusal }
  func store(resources: JSONText, as id: String?, once: RequestKey?) async throws(RolloutFault) -> ResourcesUpdate {
    throw refusal
  }
  func nextSequence(rollout: String, attempt: String, once: RequestKey?) async throws(RolloutFault) -> Int64 {
    throw refusal
  }

  func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void) {
    body(.failure(StoreError(.refused, "not measured")))
  }
}
