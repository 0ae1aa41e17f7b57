import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import LightningAPI

@Suite("Waiting for rollouts", .timeLimit(.minutes(5)))
struct WaitTests {
  private static func store() -> FakeStore {
    FakeStore { state in
      var running = EndpointTests.rollout
      running.id = "ro-2"
      running.status = .running
      state.rollouts = [
        AttemptedRollout(rollout: EndpointTests.rollout, attempt: nil),
        AttemptedRollout(rollout: running, attempt: nil),
      ]
    }
  }

  private static func wait(
    _ store: FakeStore, _ timeout: String, sleep: @escaping @Sendable (Duration) async -> Void
  ) async -> Answer {
    let api = LightningAPI(reader: store, rollouts: store, sleep: sleep)
    let body = #"{"rollout_ids":["ro-2","nobody","ro-1"],"timeout":\#(timeout)}"#
    let request = HTTPRequest(method: .post, path: "/v1/agl/waits/rollouts", body: RequestBody(Array(body.utf8)))
    guard let response = await api.respond(to: request) else { return Answer(0, "") }
    return Answer(response.status, await text(response))
  }

  @Test("no time answers at once with those that have finished", arguments: ["0", "-1", "\"-inf\"", "NaN"])
  func noTime(timeout: String) async {
    let answer = await Self.wait(Self.store(), timeout) { _ in Issue.record("nobody should sleep") }
    #expect(answer == Answer(200, "[\(EndpointTests.rolloutText)}]"))
  }

  @Test("a rollout that finishes ends the wait", arguments: ["null", "1000", "1e300"])
  func finished(timeout: String) async {
    let store = Self.store()
    let answer = await Self.wait(store, timeout) { _ in
      // The waiter is there once somebody sleeps.
      store.state.withLock { $0.rollouts[1].rollout.status = .failed }
      store.finishedRollouts.finished(["ro-2"])
    }
    #expect(answer.body.hasPrefix(#"[{"rollout_id":"ro-2","#) && answer.body.contains(#"{"rollout_id":"ro-1","#))
  }

  @Test("the end of the time ends the wait")
  func timeout() async {
    let durations = Locked<[Duration]>([])
    let answer = await Self.wait(Self.store(), "0.02") { duration in
      durations.withLock { $0.append(duration) }
      try? await Task.sleep(for: duration)
    }
    #expect(answer == Answer(200, "[\(EndpointTests.rolloutText)}]"))
    #expect(durations.withLock { $0.allSatisfy { $0 <= .milliseconds(20) } })
  }

  @Test("a client that goes away ends the wait")
  func cancelled() async {
    let store = Self.store()
    let task = Task { await Self.wait(store, "null") { duration in try? await Task.sleep(for: duration) } }
    while store.finishedRollouts.waits == 0 { await Task.yield() }
    task.cancel()
    #expect(await task.value.status == 200)
    #expect(store.finishedRollouts.waits == 0)
  }
}
