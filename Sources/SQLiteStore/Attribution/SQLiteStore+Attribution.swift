import SQLite
import Telemetry
package import TraceStore

extension SQLiteStore: AttributionStore {
  package func bind(_ binding: NewBinding) async throws(StoreError) -> (binding: TraceBinding, isNew: Bool) {
    try await attribute { attribution, tables throws(SQLiteError) in try attribution.bind(binding, &tables) }
  }

  package func unbind(_ id: Int64) async throws(StoreError) -> Bool {
    try await attribute { attribution, tables throws(SQLiteError) in try attribution.unbind(id, &tables) }
  }

  package func register(_ session: NewSession) async throws(StoreError) -> (
    registration: SessionRegistration, isNew: Bool
  ) {
    try await attribute { attribution, tables throws(SQLiteError) in try attribution.register(session, &tables) }
  }

  package func unregister(session id: Int64) async throws(StoreError) -> Bool {
    try await attribute { attribution, _ throws(SQLiteError) in try attribution.unregister(session: id) }
  }

  package func claim(_ claim: UnassignedClaim) async throws(StoreError) -> ClaimResult {
    // The search is no work for the writer, which looks again at each of what was found.
    let found = try await read { session throws(StoreError) in
      guard let session = session as? SQLiteReadSession else { return [TraceID]() }
      return try session.claimable(claim, limit: UnassignedClaim.mostTraces + 1)
    }
    let claimed = Array(found.prefix(UnassignedClaim.mostTraces))
    let bindings = try await attribute { attribution, tables throws(SQLiteError) in
      try attribution.claim(claimed, claim, &tables)
    }
    return ClaimResult(bindings: bindings, hasMore: found.count > claimed.count)
  }

  private func attribute<Result: Sendable>(
    _ body: @escaping @Sendable (Attribution, inout Attribution.Tables) throws(SQLiteError) -> Result
  ) async throws(StoreError) -> Result {
    do throws(RolloutFault) {
      return try await perform(bytes: 512) { session, received, _ in
        try session.attribute(received: received, body)
      }
    } catch {
      if case .store(let failure) = error { throw failure }
      throw StoreError(.refused, "\(error)")
    }
  }
}
