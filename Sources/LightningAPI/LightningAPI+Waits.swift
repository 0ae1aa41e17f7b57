import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAPI {
  /// The longest wait that is counted; a longer one is without limit.
  private static let longestWait = 1e9

  /// Waits until all of the rollouts that are known have finished, or the time is over.
  ///
  /// AGL store contract, section 11. A client that goes away ends the wait: its connection cancels the task. So does the
  /// end of the server; the client is told to try again.
  func wait(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let (ids, timeout) = try parse(try await receive(request).required()) { reader in reader.wait() }
    try? await rollouts.findLateAttempts()
    let watch = rollouts.finishedRollouts
    let (finished, isComplete) = try await watch.wait(
      for: Set(ids.map(ExactText.init)), until: Self.deadline(timeout), sleep: sleep
    ) { () throws(RequestFailure) in
      let found = try await read { session throws(StoreError) in try session.rollouts(ids) }
      let rollouts = found.map(\.rollout)
      let pending = rollouts.filter { !$0.status.isFinished }.map { ExactText($0.id) }
      return (answer: (rollouts.filter(\.status.isFinished), pending.isEmpty), pending: Set(pending))
    }
    if watch.isClosed && !isComplete { throw .store(StoreError(.closing, "the server is closing")) }
    return LightningAnswer.list(finished) { writer, rollout in writer.rollout(rollout) }
  }

  /// - Returns: `nil` = never.
  private static func deadline(_ timeout: Double?) -> ContinuousClock.Instant? {
    guard let timeout else { return nil }
    // What is no number is no time to wait.
    guard timeout > 0 else { return .now }
    return timeout > longestWait ? nil : .now + .seconds(timeout)
  }
}
