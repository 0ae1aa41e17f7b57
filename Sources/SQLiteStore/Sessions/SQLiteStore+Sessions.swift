import Telemetry
package import TraceStore

extension SQLiteStore: SessionKeyStore {
  package func startSessions(_ new: [NewKeySession], mostOpen: Int?) async throws(SessionKeyFault) -> [KeySession] {
    let bytes = new.reduce(0) { $0 + $1.rollout.input.text.utf8.count + 1_024 }
    return try await changeSessions(bytes: bytes) { machine, now in
      try machine.startSessions(new, mostOpen: mostOpen, now: now)
    }
  }

  package func refreshSession(_ row: Int64, with new: NewKeySession, mostOpen: Int?)
    async throws(SessionKeyFault) -> KeySession
  {
    try await changeSessions(bytes: new.rollout.input.text.utf8.count + 1_024) { machine, now in
      try machine.refreshSession(row, with: new, mostOpen: mostOpen, now: now)
    }
  }

  package func endSession(_ row: Int64) async throws(SessionKeyFault) -> KeySession {
    // What was used in memory alone decides whether it was idle.
    try await writeUsage { machine, now in try machine.endSession(row, now: now) }
  }

  package func removeSession(_ row: Int64) async throws(SessionKeyFault) {
    try await changeSessions(bytes: 512) { machine, _ in .success(try machine.keySessions.remove(row)) }
  }

  package func sweepSessions(keepingEndedFor age: Int64, atMost count: Int) async throws(SessionKeyFault) {
    try await writeUsage { machine, now in
      .success(try machine.sweepSessions(keepingEndedFor: age, atMost: count, now: now))
    }
  }

  /// Writes down how much sessions were used, and makes a change.
  private func writeUsage<Value: Sendable>(
    _ body: @escaping @Sendable (RolloutMachine, _ now: Int64) throws -> Result<Value, SessionKeyFault>
  ) async throws(SessionKeyFault) -> Value {
    let usages = sessionKeys.takeUnsaved()
    do throws(SessionKeyFault) {
      return try await changeSessions(bytes: 512 + 24 * usages.count) { machine, now in
        for usage in usages { try machine.keySessions.use(usage) }
        return try body(machine, now)
      }
    } catch {
      sessionKeys.putBack(usages)
      throw error
    }
  }

  /// Has the writer make a change of sessions, all of it or nothing.
  private func changeSessions<Value: Sendable>(
    bytes: Int, _ body: @escaping @Sendable (RolloutMachine, _ now: Int64) throws -> Result<Value, SessionKeyFault>
  ) async throws(SessionKeyFault) -> Value {
    let result: Result<Value, SessionKeyFault>
    do throws(RolloutFault) {
      result = try await perform(bytes: bytes) { session, received, _ in
        try session.settle(received: received)
        return try body(session.rollouts, received)
      }
    } catch {
      throw SessionKeyFault(error)
    }
    return try result.get()
  }
}

extension SessionKeyFault {
  init(_ fault: RolloutFault) {
    switch fault {
    case .store(let error): self = .store(error)
    // A session's own rollout and attempt are always there.
    case .notFound(let message): self = .store(StoreError(.corrupt, message))
    case .keyReused: self = .store(StoreError(.refused, "\(fault)"))
    }
  }
}
