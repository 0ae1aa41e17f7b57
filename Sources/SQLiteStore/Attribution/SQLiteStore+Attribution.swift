package import TraceStore

extension SQLiteStore: AttributionStore {
  package func bind(_ binding: NewBinding) async throws(StoreError) -> (binding: TraceBinding, isNew: Bool) {
    throw .closing
  }
  package func unbind(_ id: Int64) async throws(StoreError) -> Bool { throw .closing }
  package func register(_ session: NewSession) async throws(StoreError) -> (
    registration: SessionRegistration, isNew: Bool
  ) {
    throw .closing
  }
  package func unregister(session id: Int64) async throws(StoreError) -> Bool { throw .closing }
  package func claim(_ claim: UnassignedClaim) async throws(StoreError) -> ClaimResult { throw .closing }
}
