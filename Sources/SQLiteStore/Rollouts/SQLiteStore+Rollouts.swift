package import Telemetry
package import TraceStore

extension SQLiteStore: RolloutStore {
  package func enqueue(_ new: [NewRollout], once: RequestKey?) async throws(RolloutFault) -> [Rollout] {
    let bytes = new.reduce(0) { $0 + $1.byteCount }
    return try await perform(bytes: bytes) { [now] session, received, _ in
      try session.settle(received: received)
      return try session.rollouts.enqueue(new, once: once) { Double(now()) / 1e9 }
    }
  }

  package func start(_ rollout: NewRollout, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout
  {
    try await perform(bytes: rollout.byteCount) { session, received, now in
      try session.settle(received: received)
      return try session.rollouts.attempting(once, now: now) { machine in
        [try machine.start(rollout, worker: worker, now: now)]
      }.one()
    }
  }

  package func dequeue(limit: Int, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> [AttemptedRollout]
  {
    guard limit > 0 else { return [] }
    while true {
      let taken: [AttemptedRollout]? = try await perform(bytes: Self.smallCommand) { session, received, now in
        try session.settle(received: received)
        guard try session.rollouts.prepareQueue(now: now) else { return nil }
        return try session.rollouts.attempting(once, now: now) { machine in
          try machine.dequeue(limit: limit, worker: worker, now: now)
        }
      }
      if let taken { return taken }
    }
  }

  package func startAttempt(of rollout: String, worker: String?, once: RequestKey?) async throws(RolloutFault)
    -> AttemptedRollout
  {
    try await perform(bytes: Self.smallCommand) { session, received, now in
      try session.settle(received: received)
      return try session.rollouts.attempting(once, now: now) { machine in
        [try machine.startAttempt(of: rollout, worker: worker, now: now)]
      }.one()
    }
  }

  package func update(rollout: String, _ change: RolloutChange) async throws(RolloutFault) -> Rollout {
    let bytes = (change.input?.byteCount ?? 0) + (change.metadata??.byteCount ?? 0)
    return try await perform(bytes: Self.smallCommand + bytes) { session, received, now in
      try session.settle(received: received)
      return try session.rollouts.update(rollout: rollout, change, now: now)
    }
  }

  package func update(attempt: AttemptReference, of rollout: String, _ change: AttemptChange)
    async throws(RolloutFault) -> Attempt
  {
    let bytes = change.metadata?.byteCount ?? 0
    return try await perform(bytes: Self.smallCommand + bytes) { session, received, now in
      try session.settle(received: received)
      return try session.rollouts.update(attempt: attempt, of: rollout, change, now: now)
    }
  }

  package func heartbeat(ofWorker worker: String, stats: JSONText?) async throws(RolloutFault) -> Worker {
    try await perform(bytes: Self.smallCommand + (stats?.byteCount ?? 0)) { session, _, now in
      try session.rollouts.workers.change(worker) { worker in
        worker.lastHeartbeatTime = now
        if let stats { worker.heartbeatStats = stats }
      }
    }
  }

  package func store(resources: JSONText, as id: String?, once: RequestKey?) async throws(RolloutFault)
    -> ResourcesUpdate
  {
    try await perform(bytes: Self.smallCommand + resources.byteCount) { session, received, now in
      try session.settle(received: received)
      return try session.rollouts.store(resources, as: id, once: once, now: now)
    }
  }

  package func nextSequence(rollout: String, attempt: String, once: RequestKey?) async throws(RolloutFault) -> Int64 {
    try await perform(bytes: Self.smallCommand) { session, received, now in
      let made = try session.rollouts.once(once, now: now) { _ in
        let tag = RolloutTag(rolloutID: rollout, attemptID: attempt.isEmpty ? nil : attempt)
        return [String(try session.nextSequence(tag, received: received))]
      }
      return made.first.flatMap(Int64.init) ?? 1
    }
  }

  package func add(_ span: NewSpan) async throws(RolloutFault) -> Bool {
    try await perform(bytes: span.batch.byteCount) { session, received, _ in
      try session.add(span, received: received)
    }
  }

  /// Bytes of a command without a body.
  private static var smallCommand: Int { 512 }
}

extension NewRollout {
  /// Bytes that it holds, roughly.
  fileprivate var byteCount: Int { 512 + input.byteCount + metadata.byteCount }
}

extension JSONText {
  fileprivate var byteCount: Int { text.utf8.count }
}

extension [AttemptedRollout] {
  /// The one that a request has made.
  ///
  /// - Throws: `keyReused` when the request of that key has made something else.
  fileprivate func one() throws -> AttemptedRollout {
    guard let first, count == 1 else { throw RolloutFault.keyReused }
    return first
  }
}
