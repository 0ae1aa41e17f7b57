import JSON
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import QueryAPI

@Suite("Bindings and sessions")
struct BindingTests {
  private static let trace = "0af7651916cd43dd8448eb211c80319c"
  private static let traceID = TraceID(hex: trace)!
  private static let traceparent = "00-\(trace)-b7ad6b7169203331-01"

  @Test("a binding is made of its members, in either spelling")
  func bind() async {
    let store = FakeStore()
    let answer = await ask(
      store, .post, "/api/v1/bindings",
      #"{"trace_id":"\#(Self.trace.uppercased())","span_id":"b7ad6b7169203331","rollout_id":"r","attempt_id":"a"}"#)
    #expect(answer.status == 201)
    #expect(
      answer.body
        == #"{"id":7,"traceId":"\#(Self.trace)","spanId":"b7ad6b7169203331","rolloutId":"r","attemptId":"a","#
        + #""createdUnixNano":"5"}"#)
    _ = await ask(store, .post, "/api/v1/bindings", #"{"traceId":"\#(Self.trace)","rolloutId":"ré"}"#, headers: [:])
    #expect(
      store.state.withLock { $0.bound } == [
        NewBinding(traceID: Self.traceID, spanID: SpanID(hex: "b7ad6b7169203331"), rolloutID: "r", attemptID: "a"),
        NewBinding(traceID: Self.traceID, rolloutID: "ré"),
      ])
  }

  @Test("a binding that is known is answered with 200, and null members are absent")
  func known() async {
    let store = FakeStore { $0.isNew = false }
    let answer = await ask(
      store, .post, "/api/v1/bindings",
      #"{"trace_id":"\#(Self.traceparent)","span_id":null,"rollout_id":"r","attempt_id":null}"#)
    #expect(answer.status == 200)
    #expect(answer.json?["spanId"] == .null && answer.json?["attemptId"] == .null)
    // A traceparent stands for its trace, and not for its span.
    #expect(store.state.withLock { $0.bound } == [NewBinding(traceID: Self.traceID, rolloutID: "r")])
  }

  @Test("a session is registered from a time on, with or without an end")
  func register() async {
    let store = FakeStore()
    let answer = await ask(
      store, .post, "/api/v1/sessions",
      #"{"session":"s","rollout_id":"r","attempt_id":"a","from":1700000000000000001,"to":"2023-11-14T23:13:21.5+01:00"}"#
    )
    #expect(answer.status == 201)
    #expect(
      answer.body
        == #"{"id":8,"session":"s","rolloutId":"r","attemptId":"a","fromUnixNano":"1700000000000000001","#
        + #""toUnixNano":"1700000001500000000","createdUnixNano":"6"}"#)
    let open = await ask(
      store, .post, "/api/v1/sessions", #"{"session":"s","rollout_id":"r","from":"1700000000000000001"}"#)
    #expect(open.json?["toUnixNano"] == .null)
    #expect(
      store.state.withLock { $0.registered } == [
        NewSession(
          session: "s", rolloutID: "r", attemptID: "a", from: 1_700_000_000_000_000_001, to: 1_700_000_001_500_000_000),
        NewSession(session: "s", rolloutID: "r", from: 1_700_000_000_000_000_001),
      ])
  }

  @Test("lists have pages and filters")
  func lists() async {
    let store = FakeStore { state in
      state.bindings = (1...2).map {
        TraceBinding(id: $0, new: NewBinding(traceID: Self.traceID, rolloutID: "r"), created: 1)
      }
      state.sessions = [
        SessionRegistration(id: 3, new: NewSession(session: "s", rolloutID: "r", from: 0, to: 1), created: 1)
      ]
    }
    let page = await ask(store, .get, "/api/v1/bindings", query: "trace=\(Self.traceparent)&limit=2&cursor=5")
    #expect(page.json?["bindings"]?.elements?.count == 2 && page.json?["nextCursor"] == .string("2"))
    let last = await ask(store, .get, "/api/v1/bindings", query: "limit=3")
    #expect(last.json?["nextCursor"] == nil)
    let sessions = await ask(store, .get, "/api/v1/sessions", query: "session=a%20b")
    #expect(sessions.json?["sessions"]?.elements?.first?["fromUnixNano"] == .string("0"))
    #expect(
      store.state.withLock { $0.lists } == [
        "bindings \(Self.trace) after 5", "bindings - after 0", "sessions a b after 0",
      ])
  }

  @Test("registrations are deleted by their number", arguments: ["binding", "session"])
  func delete(kind: String) async {
    let store = FakeStore()
    let answer = await ask(store, .delete, "/api/v1/\(kind)s/12")
    #expect(answer.status == 204 && answer.body.isEmpty)
    #expect(store.state.withLock { $0.removed } == ["\(kind) 12"])
    let gone = await ask(FakeStore { $0.isThere = false }, .delete, "/api/v1/\(kind)s/12")
    #expect(gone.status == 404 && gone.message == "there is no \(kind) 12")
    for id in ["x", "-1", "0", "012", "+1", "99999999999999999999", ""] {
      #expect(await ask(store, .delete, "/api/v1/\(kind)s/\(id)").status == 404, "\(id)")
    }
    #expect(await ask(store, .delete, "/api/v1/\(kind)s/1", query: "force=1").status == 400)
    #expect(store.state.withLock { $0.removed.count } == 1)
  }

  @Test("paths know their methods")
  func methods() async {
    let table: [(HTTPMethod, String, String)] = [
      (.put, "bindings", "GET, HEAD, POST"), (.delete, "sessions", "GET, HEAD, POST"), (.get, "bindings/1", "DELETE"),
      (.post, "sessions/1", "DELETE"), (.get, "unassigned/claim", "POST"), (.post, "unassigned", "GET, HEAD"),
      (.post, "rollouts/r/diagnosis", "GET, HEAD"), (.delete, "spans/a/b/attribution", "GET, HEAD"),
    ]
    for (method, path, allowed) in table {
      let answer = await ask(FakeStore(), method, "/api/v1/\(path)")
      #expect(answer.status == 405 && answer.headers.first("allow") == allowed, "\(method) \(path)")
    }
    for path in ["bindings/1/2", "claim", "spans/a/b", "unassigned/traces", "rollouts/r/%zz"] {
      #expect(await ask(FakeStore(), .get, "/api/v1/\(path)").status == 0, "\(path)")
    }
  }

  @Test("what the store cannot do is said")
  func failures() async {
    let body = #"{"trace_id":"\#(Self.trace)","rollout_id":"r"}"#
    func status(_ code: StoreError.Code) async -> Int {
      await ask(FakeStore { $0.failure = StoreError(code, "no") }, .post, "/api/v1/bindings", body).status
    }
    #expect(await status(.overloaded) == 503)
    #expect(await status(.closing) == 503)
    #expect(await status(.refused) == 400)
  }

  @Test("pages of other origins may not change anything")
  func origins() {
    let api = FakeStore().api
    func isForeign(_ method: HTTPMethod, _ origin: String?, _ path: String = "/api/v1/bindings") -> Bool {
      var headers: HTTPHeaders = ["host": "localhost:4747"]
      if let origin { headers.append("origin", origin) }
      return api.isForeignWrite(HTTPRequest(method: method, path: path, headers: headers))
    }
    #expect(isForeign(.post, "http://evil.local") && isForeign(.delete, "null", "/api/v1/sessions/1"))
    #expect(isForeign(.post, "http://evil.local", "/api/v1/unassigned/claim"))
    #expect(!isForeign(.post, nil) && !isForeign(.post, "http://localhost:4747"))
    #expect(!isForeign(.get, "http://evil.local") && !isForeign(.post, "http://evil.local", "/v1/traces"))
  }
}
