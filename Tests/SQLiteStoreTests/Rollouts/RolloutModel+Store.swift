import SQLite
import Telemetry
import TraceStore

/// The ids behind the places of the model.
struct RolloutNames: Equatable {
  var rollouts: [String] = []
  var attempts: [[String]] = []
  var shelves: [String] = []
}

extension RolloutModel {
  /// What a store holds, as far as its queries show it.
  static func read(_ store: some SpanReader) async throws -> (RolloutModel, RolloutNames) {
    try await store.read { session throws(StoreError) in
      var model = RolloutModel()
      var names = RolloutNames()
      let shelves = try session.resources(ResourcesQuery()).items
      names.shelves = shelves.map(\.id)
      model.shelves = shelves.map { shelf in
        Shelf(
          created: shelf.createTime, updated: shelf.updateTime, version: shelf.version, text: shelf.resources.text,
          name: shelf.id.hasPrefix("rs-") ? nil : shelf.id)
      }
      let latest = try session.resources(nil)?.id
      model.latestShelf = names.shelves.firstIndex { $0 == latest }
      for found in try session.rollouts(RolloutQuery()).items {
        let attempts = try session.attempts(AttemptQuery(rolloutID: found.rollout.id)).items
        names.rollouts.append(found.rollout.id)
        names.attempts.append(attempts.map(\.id))
        model.tasks.append(Task(found, attempts, names))
      }
      model.hands = try session.workers(WorkerQuery()).items.map { Hand($0, names) }
      return (model, names)
    }
  }

  /// Reads what no query shows: the queue, the counters, and whose ids are taken.
  mutating func readHidden(_ connection: consuming Connection, _ names: RolloutNames) throws {
    let places = Dictionary(uniqueKeysWithValues: zip(names.rollouts, names.rollouts.indices))
    var queued = try connection.prepare("SELECT rollout_id FROM rollouts WHERE queued IS NOT NULL ORDER BY queued")
    try queued.forEach { (row: borrowing Row) in queue.append(places[row.string(at: 0)]!) }
    var counters = try connection.prepare(
      """
      SELECT rollout_id, max(last_sequence) FROM rollouts JOIN attempts ON rollout = rollouts.id GROUP BY rollout_id
      """)
    try counters.forEach { (row: borrowing Row) in
      let id = row.string(at: 0)
      if let task = places[id] { tasks[task].lastSequence = row.int(at: 1) } else { strangers[id] = row.int(at: 1) }
    }
    var spans = try connection.prepare(
      """
      SELECT rollout_id, attempt_id, client_spans.span_id FROM client_spans JOIN attempts ON attempts.id = attempt
      JOIN rollouts ON rollouts.id = rollout
      """)
    try spans.forEach { (row: borrowing Row) in
      let task = places[row.string(at: 0)]!
      let attempt = names.attempts[task].firstIndex(of: row.string(at: 1))!
      tasks[task].tries[attempt].spans.insert(UInt64(bitPattern: row.int(at: 2)))
    }
  }
}

extension RolloutModel.Task {
  init(_ found: AttemptedRollout, _ attempts: [Attempt], _ names: RolloutNames) {
    let rollout = found.rollout
    let resources = rollout.resourcesID.map { id in
      id.hasPrefix("rs-") ? names.shelves.firstIndex(of: id).map { "#\($0)" } ?? id : id
    }
    self.init(
      input: rollout.input.text, start: rollout.startTime, end: rollout.endTime, mode: rollout.mode,
      resources: resources, status: rollout.status, config: rollout.config, metadata: rollout.metadata?.text)
    precondition(found.attempt == attempts.last)
    precondition(attempts.map(\.sequence) == attempts.indices.map { Int64($0 + 1) })
    tries = attempts.map { attempt in
      RolloutModel.Try(
        start: attempt.startTime, end: attempt.endTime, status: attempt.status, worker: attempt.workerID,
        heartbeat: attempt.lastHeartbeatTime, metadata: attempt.metadata?.text)
    }
  }
}

extension RolloutModel.Hand {
  init(_ worker: Worker, _ names: RolloutNames) {
    self.init(
      name: worker.id, status: worker.status, stats: worker.heartbeatStats?.text, heartbeat: worker.lastHeartbeatTime,
      dequeued: worker.lastDequeueTime, busy: worker.lastBusyTime, idle: worker.lastIdleTime)
    rollout = worker.currentRolloutID.flatMap { names.rollouts.firstIndex(of: $0) }
    if let rollout, let id = worker.currentAttemptID { attempt = names.attempts[rollout].firstIndex(of: id) }
  }
}
