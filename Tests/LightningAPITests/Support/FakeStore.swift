import Telemetry
import Threads
import TraceStore

/// A store that notes what it is asked, and knows what a test has told it.
final class FakeStore: RolloutStore, SpanReader {
  /// What it knows and what it was asked.
  struct State {
    var rollouts: [AttemptedRollout] = []
    var attempts: [Attempt] = []
    var workers: [Worker] = []
    var resources: [ResourcesUpdate] = []
    /// What every change fails with.
    var fault: RolloutFault?
    /// What looking for late attempts fails with.
    var watchdogFault: RolloutFault?
    var addsSpan = true

    var calls: [String] = []
    var enqueued: [NewRollout] = []
    var rolloutChanges: [RolloutChange] = []
    var attemptChanges: [AttemptChange] = []
    var stats: [JSONText?] = []
    var keys: [RequestKey?] = []
    var spans: [NewSpan] = []
    var rolloutQuery: RolloutQuery?
    var attemptQuery: AttemptQuery?
    var workerQuery: WorkerQuery?
    var resourcesQuery: ResourcesQuery?
    var spanQuery: SpanQuery?
  }

  let state: Locked<State>
  let finishedRollouts = RolloutWatch()

  init(_ prepare: (inout State) -> Void = { _ in }) {
    var state = State()
    prepare(&state)
    self.state = Locked(state)
  }

  var calls: [String] { state.withLock { $0.calls } }

  private func note(_ call: String, key: RequestKey? = nil) throws(RolloutFault) {
    let fault = state.withLock { state in
      state.calls.append(call)
      state.keys.append(key)
      return state.fault
    }
    if let fault { throw fault }
  }

  // MARK: RolloutStore

  func enqueue(_ rollouts: [NewRollout], once: RequestKey?) async throws(RolloutFault) -> [Rollout] {
    try note("enqueue", key: once)
    state.withLock { $0.enqueued += rollouts }
    return rollouts.map { Self.rollout($0) }
  }

  func start(_ rollout: NewRollout, worker: String?, once: RequestKey?) async throws(RolloutFault) -> AttemptedRollout {
    try note("start worker=\(worker ?? "nil")", key: once)
    state.withLock { $0.enqueued.append(rollout) }
    return AttemptedRollout(rollout: Self.rollout(rollout), attempt: Self.attempt(worker))
  }

  func dequeue(limit: Int, worker: String?, once: RequestKey?) async throws(RolloutFault) -> [AttemptedRollout] {
    try note("dequeue limit=\(limit) worker=\(worker ?? "nil")", key: once)
    return state.withLock { Array($0.rollouts.prefix(limit)) }
  }

  func startAttempt(of rollout: String, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout
  {
    try note("startAttempt \(rollout) worker=\(worker ?? "nil")", key: once)
    return AttemptedRollout(rollout: Self.rollout(NewRollout(input: .null)), attempt: Self.attempt(worker))
  }

  func update(rollout: String, _ change: RolloutChange) async throws(RolloutFault) -> Rollout {
    try note("update \(rollout)")
    state.withLock { $0.rolloutChanges.append(change) }
    return Self.rollout(NewRollout(input: .null))
  }

  func update(attempt: AttemptReference, of rollout: String, _ change: AttemptChange) async throws(RolloutFault)
    -> Attempt
  {
    try note("update \(attempt) of \(rollout)")
    state.withLock { $0.attemptChanges.append(change) }
    return Self.attempt(nil)
  }

  func heartbeat(ofWorker worker: String, stats: JSONText?) async throws(RolloutFault) -> Worker {
    try note("heartbeat \(worker)")
    state.withLock { $0.stats.append(stats) }
    var result = Worker(id: worker)
    result.heartbeatStats = stats
    return result
  }

  func store(resources: JSONText, as id: String?, once: RequestKey?) async throws(RolloutFault) -> ResourcesUpdate {
    try note("store \(id ?? "nil")", key: once)
    return ResourcesUpdate(id: id ?? "rs-0", createTime: 1, updateTime: 2.5, version: 3, resources: resources)
  }

  func nextSequence(rollout: String, attempt: String, once: RequestKey?) async throws(RolloutFault) -> Int64 {
    try note("next \(rollout) \(attempt)", key: once)
    return 7
  }

  func add(_ span: NewSpan) async throws(RolloutFault) -> Bool {
    try note("add \(span.spanID)")
    return state.withLock { state in
      state.spans.append(span)
      return state.addsSpan
    }
  }

  func findLateAttempts(debounced: Bool) async throws(RolloutFault) {
    let fault = state.withLock { state in
      state.calls.append("watchdog")
      return state.watchdogFault
    }
    if let fault { throw fault }
  }

  // MARK: SpanReader

  func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void) {
    body(.success(FakeSession(store: self)))
  }

  // MARK: Values

  static func rollout(_ new: NewRollout) -> Rollout {
    Rollout(
      id: "ro-0", input: new.input, startTime: 1_700_000_000.25, mode: new.mode, resourcesID: new.resourcesID,
      status: .queuing, config: new.config, metadata: new.metadata)
  }

  static func attempt(_ worker: String?) -> Attempt {
    Attempt(rolloutID: "ro-0", id: "at-0", sequence: 1, startTime: 1_700_000_001, status: .preparing, workerID: worker)
  }
}
