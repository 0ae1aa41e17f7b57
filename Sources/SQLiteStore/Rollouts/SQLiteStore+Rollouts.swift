package import Telemetry
package import TraceStore

// To come with the tables.
extension SQLiteStore: RolloutStore {
  package func enqueue(_ rollouts: [NewRollout], once: RequestKey?) async throws(RolloutFault) -> [Rollout] {
    fatalError()
  }
  package func start(_ rollout: NewRollout, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout
  { fatalError() }
  package func dequeue(limit: Int, worker: String?, once: RequestKey?) async throws(RolloutFault) -> [AttemptedRollout]
  { fatalError() }
  package func startAttempt(of rollout: String, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout
  { fatalError() }
  package func update(rollout: String, _ change: RolloutChange) async throws(RolloutFault) -> Rollout { fatalError() }
  package func update(attempt: AttemptReference, of rollout: String, _ change: AttemptChange) async throws(RolloutFault)
    -> Attempt
  { fatalError() }
  package func heartbeat(ofWorker worker: String, stats: JSONText?) async throws(RolloutFault) -> Worker {
    fatalError()
  }
  package func store(resources: JSONText, as id: String?, once: RequestKey?) async throws(RolloutFault)
    -> ResourcesUpdate
  { fatalError() }
  package func nextSequence(rollout: String, attempt: String, once: RequestKey?) async throws(RolloutFault) -> Int64 {
    fatalError()
  }
  package func add(_ span: NewSpan) async throws(RolloutFault) -> Bool { fatalError() }
  package func findLateAttempts() async throws(RolloutFault) { fatalError() }
  package var finishedRollouts: RolloutWatch { fatalError() }
}
