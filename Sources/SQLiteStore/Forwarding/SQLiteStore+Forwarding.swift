package import TraceStore

extension SQLiteStore: ForwardStore {
  package func activate(_ targets: [NewForwarder]) async throws(StoreError) -> [ForwarderRecord] {
    try await change(bytes: 256 * (1 + targets.count)) { session in
      try session.activate(targets)
    }
  }

  package func advance(_ forwarder: Int64, _ step: ForwardStep) async throws(StoreError) {
    try await change(bytes: 128) { session in
      try session.forwarders.advance(forwarder, step)
    }
  }

  package func submit(forwarding body: @escaping @Sendable (Result<any ForwardSession, StoreError>) -> Void) {
    guard let forwardReader else {
      return body(.failure(StoreError(.closing, "the store was opened without a reader for forwarding")))
    }
    forwardReader.submit(forwarding: body)
  }

  private func change<Value: Sendable>(
    bytes: Int, _ body: @escaping @Sendable (WriterSession) throws -> Value
  ) async throws(StoreError) -> Value {
    do throws(RolloutFault) {
      return try await perform(bytes: bytes) { session, _, _ in try body(session) }
    } catch {
      guard case .store(let failure) = error else { preconditionFailure("nothing here is about rollouts") }
      throw failure
    }
  }
}

extension ReaderPool: ForwardReader {
  package func submit(forwarding body: @escaping @Sendable (Result<any ForwardSession, StoreError>) -> Void) {
    submitSession { body($0.map { session in session }) }
  }
}
