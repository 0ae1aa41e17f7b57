import JSON
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import QueryAPI

@Suite("Unassigned spans")
struct UnassignedTests {
  private static let trace = TraceID(high: 1, low: 2)

  static func unassigned(_ position: Int64 = 1) -> UnassignedTrace {
    UnassignedTrace(
      position: position, traceID: trace, spans: 3, startTime: 5, endTime: 0, firstArrival: 10, lastArrival: 12,
      sessions: ["s"], service: nil)
  }

  @Test("are listed by their traces")
  func list() async {
    let store = FakeStore { $0.unassigned = [Self.unassigned(4)] }
    let answer = await ask(store, .get, "/api/v1/unassigned", query: "limit=1&cursor=2&from=1970-01-01T00:00:00Z&to=9")
    #expect(
      answer.body
        == #"{"traces":[{"traceId":"\#(Self.trace)","spans":3,"startTimeUnixNano":"5","endTimeUnixNano":null,"#
        + #""firstArrival":"10","lastArrival":"12","sessions":["s"],"service":null}],"nextCursor":"4"}"#)
    _ = await ask(store, .get, "/api/v1/unassigned", query: "from=3")
    _ = await ask(store, .get, "/api/v1/unassigned", query: "to=3")
    _ = await ask(store, .get, "/api/v1/unassigned")
    #expect(
      store.state.withLock { $0.lists } == [
        "unassigned after 2 in 0..<9", "unassigned after 0 in 3..<9223372036854775807", "unassigned after 0 in 0..<3",
        "unassigned after 0 in -",
      ])
  }

  @Test("are listed by the sessions that they name")
  func sessions() async {
    let store = FakeStore {
      $0.unassignedSessions = [
        UnassignedSession(
          position: 9, key: .session, session: "s", spans: 3, traces: 2, firstStart: 5, lastStart: 7),
        UnassignedSession(
          position: 12, key: .openClawSessionKey, session: "t", spans: 1, traces: 1, firstStart: 0, lastStart: 0),
      ]
      $0.withoutSession = UnassignedCount(spans: 6, traces: 4)
    }
    func ask(_ query: String) async -> String {
      await QueryAPITests.ask(store, .get, "/api/v1/unassigned", query: query).body
    }
    let first =
      #"{"attribute":"session.id","session":"s","spans":3,"traces":2,"firstStartTimeUnixNano":"5","#
      + #""lastStartTimeUnixNano":"7"}"#
    let second =
      #"{"attribute":"openclaw.sessionKey","session":"t","spans":1,"traces":1,"firstStartTimeUnixNano":null,"#
      + #""lastStartTimeUnixNano":null}"#
    let rest = #""withoutSession":{"spans":6,"traces":4}"#
    #expect(await ask("by=session&limit=1") == #"{"sessions":[\#(first)],\#(rest),"nextCursor":"9"}"#)
    // They are counted with the first page.
    #expect(await ask("by=session&cursor=9&from=3&to=9") == #"{"sessions":[\#(first),\#(second)]}"#)
    store.state.withLock { $0.withoutSession = nil }
    #expect(await ask("by=session&limit=1") == #"{"sessions":[\#(first)],"withoutSession":null,"nextCursor":"9"}"#)
    #expect(
      store.state.withLock { $0.lists } == [
        "unassigned sessions after 0 in -", "unassigned sessions after 9 in 3..<9", "unassigned sessions after 0 in -",
      ])
    let answer = await QueryAPITests.ask(store, .get, "/api/v1/unassigned", query: "by=rollout")
    #expect(answer.status == 400 && answer.message == "by must be trace or session")
    #expect(await ask("by=trace") == #"{"traces":[]}"#)
  }

  @Test("are claimed by traces, session or time")
  func claim() async {
    let store = FakeStore {
      $0.bindings = [TraceBinding(id: 1, new: NewBinding(traceID: Self.trace, rolloutID: "r"), created: 1)]
    }
    func claim(_ body: String) async -> Answer { await ask(store, .post, "/api/v1/unassigned/claim", body) }
    let traceparent = "00-\(Self.trace)-b7ad6b7169203331-00"
    let answer = await claim(#"{"trace_ids":["\#(Self.trace)","\#(traceparent)"],"rollout_id":"r","attempt_id":"a"}"#)
    #expect(answer.status == 200 && answer.json?["hasMore"] == .bool(true))
    #expect(answer.json?["bindings"]?.elements?.first?["rolloutId"] == .string("r"))
    _ = await claim(#"{"session":"s","rollout_id":"r"}"#)
    _ = await claim(#"{"from":"1970-01-01T00:00:01Z","to":2000000000,"rollout_id":"r"}"#)
    let claims = store.state.withLock { $0.claims }
    #expect(
      claims.map(\.spans) == [.traces([Self.trace]), .session("s"), .window(from: 1_000_000_000, to: 2_000_000_000)])
    #expect(claims.map(\.attemptID) == ["a", nil, nil] && claims.allSatisfy { $0.rolloutID == "r" })
  }

  @Test("of as many traces as may be fit into one claim, and not of more")
  func manyTraces() async {
    func body(_ count: Int) -> String {
      let ids = (1...count).map { "\"\(TraceID(high: .max, low: UInt64($0)))\"" }.joined(separator: ", ")
      return #"{"trace_ids":[\#(ids)],"rollout_id":"r"}"#
    }
    let most = UnassignedClaim.mostTraces
    let store = FakeStore()
    #expect(await ask(store, .post, "/api/v1/unassigned/claim", body(most)).status == 200)
    guard case .traces(let ids)? = store.state.withLock({ $0.claims.first?.spans }) else { return #expect(Bool(false)) }
    #expect(ids.count == most)
    let answer = await ask(store, .post, "/api/v1/unassigned/claim", body(most + 1))
    #expect(answer.status == 400 && answer.message?.contains("more than \(most)") == true)
  }

  @Test("have a page of their own")
  func spans() async {
    let answer = await ask(FakeStore(), .get, "/api/v1/unassigned/spans")
    #expect(answer.body == #"{"resourceSpans":[],"lastArrival":"0"}"#)
  }
}
