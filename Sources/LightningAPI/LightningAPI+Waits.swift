import JSON
import Telemetry
import TraceStore
import Transport

extension LightningAPI {
  /// The longest wait that is counted; a longer one is without limit.
  private static let longestWait = 1e9

  /// Rollouts of one wait, and bytes of its answer.
  private static let mostAwaited = 100_000
  private static let largestAnswer = 64 << 20

  /// Waits until each of the rollouts that are known has finished, or the time is over.
  ///
  /// AGL store contract, section 11. A client that goes away ends the wait: its connection cancels the task. So does the
  /// end of the server; the client is told to try again.
  func wait(_ request: HTTPRequest) async throws(RequestFailure) -> HTTPResponse {
    let (ids, timeout) = try parse(try await receive(request).required()) { reader in reader.wait() }
    guard ids.count <= Self.mostAwaited else {
      throw .refused(413, "At most \(Self.mostAwaited) rollouts can be waited for at once")
    }
    try? await rollouts.findLateAttempts()
    let watch = rollouts.finishedRollouts
    let rest = try await watch.wait(
      for: Set(ids.map(ExactText.init)), until: Self.deadline(timeout), sleep: sleep
    ) { ids throws(RequestFailure) in
      try await read { session throws(StoreError) in try session.unfinished(ids) }
    }
    if watch.isClosed && !rest.isEmpty { throw .store(StoreError(.closing, "the server is closing")) }
    return try await finished(ids)
  }

  /// Answers with those of the rollouts that have finished, in the order of the ids and as often.
  private func finished(_ ids: [String]) async throws(RequestFailure) -> HTTPResponse {
    let answer = try await read { session throws(StoreError) -> [UInt8]? in
      var rendered: [ExactText: Range<Int>] = [:]
      var known = JSONWriter()
      var answer = JSONWriter()
      answer.beginArray()
      for id in ids {
        let key = ExactText(id)
        if rendered[key] == nil {
          let start = known.bytes.count
          for found in try session.rollouts([id]) where found.rollout.status.isFinished {
            known.rollout(found.rollout)
          }
          // Behind the comma, if the writer has put one.
          rendered[key] = start + (start > 0 && known.bytes.count > start ? 1 : 0)..<known.bytes.count
        }
        if let range = rendered[key], !range.isEmpty { answer.json(known.bytes.span.extracting(range)) }
        guard answer.bytes.count + known.bytes.count <= Self.largestAnswer else { return nil }
      }
      answer.endArray()
      return answer.bytes
    }
    guard let answer else { throw .refused(413, "The rollouts are too large for one answer: ask for fewer") }
    return HTTPResponse(status: 200, headers: ["content-type": "application/json"], body: .bytes(answer))
  }

  /// - Returns: `nil` = never.
  private static func deadline(_ timeout: Double?) -> ContinuousClock.Instant? {
    guard let timeout else { return nil }
    // What is no number is no time to wait.
    guard timeout > 0 else { return .now }
    return timeout > longestWait ? nil : .now + .seconds(timeout)
  }
}
