import JSON
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import LightningAPI

@Suite("Agent Lightning's endpoints")
struct EndpointTests {
  private static let prefix = "/v1/agl"

  static let rollout = Rollout(
    id: "ro-1", input: JSONText(#"{"q": 1.50}"#), startTime: 1_700_000_000, endTime: 1_700_000_001.5, mode: .train,
    resourcesID: nil, status: .succeeded,
    config: RolloutConfig(timeoutSeconds: 3, maxAttempts: 2, retryCondition: [.failed, .timeout]), metadata: nil)

  static let rolloutText =
    #"{"rollout_id":"ro-1","input":{"q": 1.50},"start_time":1700000000.0,"end_time":1700000001.5,"mode":"train","#
    + #""resources_id":null,"status":"succeeded","config":{"timeout_seconds":3.0,"unresponsive_seconds":null,"#
    + #""max_attempts":2,"retry_condition":["failed","timeout"]},"metadata":null"#

  static let attempt = Attempt(
    rolloutID: "ro-1", id: "at-1", sequence: 1, startTime: 1, status: .running, workerID: "w", lastHeartbeatTime: 2.25,
    metadata: JSONText(#"{"a":[]}"#))

  static let attemptText =
    #"{"rollout_id":"ro-1","attempt_id":"at-1","sequence_id":1,"start_time":1.0,"end_time":null,"status":"running","#
    + #""worker_id":"w","last_heartbeat_time":2.25,"metadata":{"a":[]}}"#

  private static func store() -> FakeStore {
    FakeStore { state in
      state.rollouts = [AttemptedRollout(rollout: rollout, attempt: attempt)]
      state.attempts = [attempt]
      state.workers = [Worker(id: "w 0")]
      state.resources = [
        ResourcesUpdate(id: "rs", createTime: 1, updateTime: 2, version: 1, resources: JSONText("{}"))
      ]
    }
  }

  struct Case: CustomTestStringConvertible, Sendable {
    var method: HTTPMethod
    var path: String
    var body = ""
    var status = 200
    /// What the answer is, or begins with.
    var answer: String
    /// What the store is asked, in order.
    var calls: [String] = []

    var testDescription: String { "\(method) \(path) \(body)" }
  }

  private static let worker =
    #"{"worker_id":"w 0","status":"unknown","heartbeat_stats":null,"last_heartbeat_time":null,"last_dequeue_time":null,"#
    + #""last_busy_time":null,"last_idle_time":null,"current_rollout_id":null,"current_attempt_id":null}"#
  private static let resources =
    #"{"resources_id":"rs","create_time":1.0,"update_time":2.0,"version":1,"resources":{}}"#
  private static let attempted = rolloutText + #","attempt":"# + attemptText + "}"

  static let cases: [Case] = [
    Case(method: .get, path: "/health", answer: #"{"status":"ok"}"#),
    Case(
      method: .get, path: "/statistics",
      answer: #"{"name":"FulguriteStore","total_rollouts":5,"total_attempts":6,"total_spans":1,"total_resources":8,"#
        + #""total_workers":9,"uptime":"#),
    Case(method: .get, path: "/rollouts/ro-1", answer: attempted, calls: ["watchdog", "rollouts ro-1"]),
    Case(method: .get, path: "/rollouts/search", answer: "null", calls: ["watchdog", "rollouts search"]),
    Case(
      method: .get, path: "/rollouts", answer: #"{"items":["# + attempted + #"],"limit":-1,"offset":0,"total":1}"#,
      calls: ["watchdog", "rollouts"]),
    Case(
      method: .post, path: "/rollouts/search", body: #"{"limit":"5","offset":2.0}"#,
      answer: #"{"items":["# + attempted + #"],"limit":5,"offset":2,"total":1}"#, calls: ["watchdog", "rollouts"]),
    Case(
      method: .get, path: "/rollouts/ro-1/attempts",
      answer: #"{"items":["# + attemptText + #"],"limit":-1,"offset":0,"total":1}"#,
      calls: ["watchdog", "attempts ro-1"]),
    Case(
      method: .post, path: "/rollouts/search/attempts/search", body: "{}", answer: #"{"items":["#,
      calls: ["watchdog", "attempts search"]),
    Case(
      method: .get, path: "/rollouts/ro-1/attempts/latest", answer: attemptText,
      calls: ["watchdog", "rollouts ro-1"]),
    Case(
      method: .get, path: "/rollouts/x/attempts/latest", answer: "null", calls: ["watchdog", "rollouts x"]),
    Case(method: .get, path: "/workers/w%200", answer: worker),
    Case(method: .get, path: "/workers/x", answer: "null"),
    Case(
      method: .get, path: "/workers", answer: #"{"items":["# + worker + "],", calls: ["watchdog", "workers"]),
    Case(method: .get, path: "/resources/latest", answer: resources),
    Case(method: .get, path: "/resources/rs", answer: resources),
    Case(method: .get, path: "/resources/x", answer: "null"),
    Case(method: .get, path: "/resources", answer: #"{"items":["# + resources + "],"),
    Case(
      method: .post, path: "/queues/rollouts/dequeue", answer: "[" + attempted + "]",
      calls: ["dequeue limit=1 worker=nil"]),
    Case(
      method: .post, path: "/queues/rollouts/dequeue", body: "null", answer: "[", calls: ["dequeue limit=1 worker=nil"]),
    Case(
      method: .post, path: "/queues/rollouts/dequeue", body: #"{"limit":3,"worker_id":"w"}"#, answer: "[",
      calls: ["dequeue limit=3 worker=w"]),
    Case(
      method: .post, path: "/queues/rollouts/dequeue", body: #"{"limit":0,"worker_id":"w"}"#, answer: "[]", calls: []),
    Case(
      method: .post, path: "/queues/rollouts/dequeue", body: #"{"limit":-1,"worker_id":"w"}"#, answer: "[]", calls: []),
    Case(method: .post, path: "/queues/rollouts/enqueue", body: #"{"rollouts":[]}"#, status: 201, answer: "[]"),
    Case(
      method: .post, path: "/queues/rollouts/enqueue", body: #"{"rollouts":[{"input":{"a":  1}},{"input":null}]}"#,
      status: 201,
      answer: #"[{"rollout_id":"ro-0","input":{"a":  1},"start_time":1700000000.25,"end_time":null,"mode":null,"#
        + #""resources_id":null,"status":"queuing","config":{"timeout_seconds":null,"unresponsive_seconds":null,"#
        + #""max_attempts":1,"retry_condition":[]},"metadata":{}},{"rollout_id":"ro-0","input":null,"#,
      calls: ["enqueue"]),
    Case(
      method: .post, path: "/rollouts", body: #"{"input":1,"worker_id":"w"}"#, status: 201,
      answer: #"{"rollout_id":"ro-0","input":1,"#, calls: ["start worker=w"]),
    Case(
      method: .post, path: "/rollouts/ro-1/attempts", status: 201, answer: #"{"rollout_id":"ro-0","#,
      calls: ["startAttempt ro-1 worker=nil"]),
    Case(
      method: .post, path: "/rollouts/ro-1/attempts", body: #"{"worker_id":"w"}"#, status: 201,
      answer: #"{"rollout_id":"ro-0","#, calls: ["startAttempt ro-1 worker=w"]),
    Case(
      method: .post, path: "/rollouts/ro-1", body: "{}", answer: #"{"rollout_id":"ro-0","#, calls: ["update ro-1"]),
    Case(
      method: .post, path: "/rollouts/r/attempts/latest", body: "{}", answer: #"{"rollout_id":"ro-0","#,
      calls: ["update latest of r"]),
    Case(
      method: .post, path: "/rollouts/r/attempts/a", body: "{}", answer: #"{"rollout_id":"ro-0","#,
      calls: [#"update id("a") of r"#]),
    Case(method: .post, path: "/workers/w%200", answer: worker, calls: ["heartbeat w 0"]),
    Case(method: .post, path: "/workers/w%200", body: "{}", answer: worker, calls: ["heartbeat w 0"]),
    Case(
      method: .post, path: "/resources", body: "{}", status: 201,
      answer: #"{"resources_id":"rs-0","create_time":1.0,"update_time":2.5,"version":3,"resources":{}}"#,
      calls: ["store nil"]),
    Case(
      method: .post, path: "/resources/latest",
      body: #"{"x":{"model":"m","resource_type":"llm","extra":1,"endpoint":"e"},"#
        + #""p":{"engine":"poml","template":"t","resource_type":"prompt_template"}}"#,
      answer: #"{"resources_id":"latest","create_time":1.0,"update_time":2.5,"version":3,"resources":"#
        + #"{"x":{"resource_type":"llm","endpoint":"e","model":"m","api_key":null,"sampling_parameters":{}},"#
        + #""p":{"resource_type":"prompt_template","template":"t","engine":"poml"}}}"#, calls: ["store latest"]),
    Case(
      method: .post, path: "/spans/next", body: #"{"rollout_id":"r","attempt_id":"a"}"#, answer: #"{"sequence_id":7}"#,
      calls: ["next r a"]),
    Case(
      method: .post, path: "/waits/rollouts", body: #"{"rollout_ids":["ro-1","x","ro-1"]}"#,
      answer: "[" + rolloutText + "}," + rolloutText + "}]", calls: ["watchdog", "rollouts ro-1", "rollouts x"]),
    Case(
      method: .get, path: "/spans", status: 422,
      answer: #"{"detail":[{"type":"missing","loc":["query","rollout_id"],"msg":"Field required","input":null}]}"#),
    Case(
      method: .post, path: "/spans/search", body: #"{"rollout_id":"r","sort_by":null}"#, answer: #"{"items":["#,
      calls: ["watchdog", "select"]),
    Case(
      method: .post, path: "/rollouts/search", body: #"{"sort_by":"config"}"#, status: 400,
      answer: #"{"detail":"Rollouts cannot be sorted by config"}"#),
    Case(method: .get, path: "/health/", status: 404, answer: #"{"detail":"Not Found"}"#),
    Case(method: .get, path: "/resources/a%2Fb", status: 404, answer: #"{"detail":"Not Found"}"#),
    Case(method: .post, path: "/resources/a%2Fb", status: 405, answer: #"{"detail":"Method Not Allowed"}"#),
    Case(method: .head, path: "/health", status: 405, answer: #"{"detail":"Method Not Allowed"}"#),
    Case(method: .put, path: "/rollouts", status: 405, answer: #"{"detail":"Method Not Allowed"}"#),
    Case(method: .options, path: "/rollouts", status: 405, answer: #"{"detail":"Method Not Allowed"}"#),
    Case(method: .get, path: "/rollouts/%zz", status: 404, answer: #"{"detail":"Not Found"}"#),
  ]

  @Test("answer as AGL's server does, after a look for late attempts where it has one", arguments: cases)
  func endpoint(test: Case) async {
    let store = Self.store()
    let parts = test.path.split(separator: "?", maxSplits: 1)
    let answer = await ask(
      store, test.method, Self.prefix + parts[0], query: parts.dropFirst().first.map(String.init), test.body)
    #expect(answer.status == test.status)
    #expect(answer.body.hasPrefix(test.answer), "\(answer.body)")
    #expect(store.calls == test.calls)
  }

  @Test("what is absent from a change stays, and null clears what may be null")
  func changes() async {
    let store = FakeStore()
    _ = await ask(
      store, .post, "/v1/agl/rollouts/r", #"{"input":null,"mode":null,"metadata":null,"resources_id":"rs"}"#)
    var expected = RolloutChange()
    expected.input = .null
    expected.mode = .some(nil)
    expected.metadata = .some(nil)
    expected.resourcesID = .some("rs")
    #expect(store.state.withLock { $0.rolloutChanges } == [expected])
    _ = await ask(store, .post, "/v1/agl/rollouts/r/attempts/a", #"{"last_heartbeat_time":"1.5","status":"timeout"}"#)
    var attempt = AttemptChange()
    attempt.lastHeartbeatTime = 1.5
    attempt.status = .timeout
    #expect(store.state.withLock { $0.attemptChanges } == [attempt])
  }

  @Test("a query says what it asks for in the body or in the URL", arguments: [true, false])
  func query(isGet: Bool) async {
    let store = FakeStore()
    if isGet {
      _ = await ask(
        store, .get, "/v1/agl/rollouts",
        query: "status_in=running&status_in=failed&mode_in=val&rollout_id_in=a&rollout_id_contains=b&limit=1&limit=3"
          + "&offset=4&sort_by=duration&sort_order=desc&filter_logic=or&unknown=1")
    } else {
      _ = await ask(
        store, .post, "/v1/agl/rollouts/search",
        #"{"status_in":["running","failed"],"mode_in":["val"],"rollout_id_in":["a"],"rollout_id_contains":"b","limit":3,"#
          + #""offset":4,"sort_by":"duration","sort_order":"desc","filter_logic":"or","unknown":1}"#)
    }
    let query = store.state.withLock { $0.rolloutQuery }
    #expect(query?.statuses == [.running, .failed] && query?.modes == [.val] && query?.ids == ["a"])
    #expect(query?.idContains == "b" && query?.page.limit == 3 && query?.page.offset == 4)
    #expect(query?.page.sortKey == .duration && query?.page.isDescending == true && query?.page.matchesAny == true)
  }

  @Test("faults of the store become answers")
  func faults() async {
    func answer(_ fault: RolloutFault) async -> Answer {
      await ask(FakeStore { $0.fault = fault }, .post, "/v1/agl/rollouts/r", "{}")
    }
    #expect(await answer(.notFound("Rollout r not found")) == Answer(404, #"{"detail":"Rollout r not found"}"#))
    #expect(await answer(.keyReused).status == 422)
    #expect(await answer(.store(StoreError(.full, "no"))).status == 503)
    #expect(await answer(.store(StoreError(.deadline, "no"))).status == 504)
  }

  @Test("a store that cannot look for late attempts can still be read")
  func watchdogFault() async {
    let store = FakeStore { $0.watchdogFault = .store(StoreError(.full, "no")) }
    #expect(await ask(store, .get, "/v1/agl/rollouts").status == 200)
  }

  @Test("the name of a request reaches the store with a fingerprint of what is asked")
  func idempotency() async {
    let store = FakeStore()
    func enqueue(_ body: String, key: String?) async -> Answer {
      var headers: HTTPHeaders = ["content-type": "application/json"]
      if let key { headers.append("idempotency-key", key) }
      return await ask(store, .post, "/v1/agl/queues/rollouts/enqueue", body, headers: headers)
    }
    for body in [#"{"rollouts":[{"input":1}]}"#, #"{"rollouts":[{"input":1}]}"#, #"{"rollouts":[{"input":2}]}"#] {
      _ = await enqueue(body, key: "k")
    }
    _ = await enqueue(#"{"rollouts":[{"input":1}]}"#, key: nil)
    let keys = store.state.withLock { $0.keys }
    #expect(keys[0] == keys[1] && keys[0] != keys[2] && keys[0]?.key == "k" && keys[3] == nil)
    #expect(await enqueue("{}", key: String(repeating: "k", count: 256)).status == 422)
    #expect(await enqueue(#"{"rollouts":[]}"#, key: String(repeating: "k", count: 256)).status == 400)
  }

  @Test("a body that is too large is refused")
  func largeBody() async {
    let answer = await ask(FakeStore(), .post, "/v1/agl/spans/next", "{\"rollout_id\":1}") { $0.requestBytes = 8 }
    #expect(answer.status == 413)
  }
}
