import Threads
package import TraceStore

extension SQLiteStore {
  /// What retention has done and how it is doing.
  package struct RetentionStatistics: Sendable {
    package var tally: RetentionTally
    package var passes: Int
    package var failure: StoreError?
    package var isOverLimit: Bool
    package var waitsForClock: Bool
  }

  package var retentionStatistics: RetentionStatistics {
    let status = retention.status
    return RetentionStatistics(
      tally: status.tally, passes: status.passes, failure: status.failure, isOverLimit: status.isOverLimit,
      waitsForClock: status.waitsForClock)
  }

  /// Takes other limits, by which a pass is made at once.
  package func take(_ policy: RetentionPolicy) { retention.take(policy) }

  /// Reports what operators are to hear, on the thread that it happens on.
  package func listen(toRetention body: @escaping @Sendable (RetentionEvent) -> Void) { retention.listen(body) }

  /// Has a pass made, and returns when it has come to its end or has failed.
  func makeRetentionPass() async {
    let retention = retention
    await withCheckedContinuation { continuation in
      Thread(name: "pass") {
        retention.makePassNow()
        continuation.resume()
      }.detach()
    }
  }
}

extension SQLiteStore: PinStore {
  package func pin(rollout id: String, _ isPinned: Bool) async throws(RolloutFault) {
    try await perform(bytes: 512) { session, received, _ in
      try session.settle(received: received)
      guard try session.removal.rollouts.pin(id, isPinned ? received : nil, session.connection) else {
        throw RolloutFault.notFound("Rollout \(id) not found")
      }
    }
  }
}
