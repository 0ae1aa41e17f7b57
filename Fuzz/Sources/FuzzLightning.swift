import LightningAPI
import Telemetry
import Threads
import TraceStore
import Transport

/// Sends bytes as the body of a request to Agent Lightning's store; the first of them chooses which.
func fuzzLightning(_ bytes: Span<UInt8>) {
  guard let choice = bytes.isEmpty ? nil : bytes[0] else { return }
  let body = unsafe bytes.extracting(1...).withUnsafeBufferPointer { unsafe Array($0) }
  let path = paths[Int(choice & 0x3F) % paths.count]
  var headers: HTTPHeaders = choice & 0x40 == 0 ? ["content-type": "application/json"] : ["content-type": "text/plain"]
  if choice & 0x80 != 0 { headers.append("idempotency-key", String(decoding: body.prefix(300), as: UTF8.self)) }
  let request = HTTPRequest(method: .post, path: "/v1/agl" + path, headers: headers, body: RequestBody(body))
  let status = respond(to: request)?.status ?? 0
  precondition((200..<500).contains(status), "what a client sends is never the server's fault")
}

private let paths = [
  "/spans", "/spans/search", "/spans/next", "/queues/rollouts/enqueue", "/queues/rollouts/dequeue", "/rollouts",
  "/rollouts/search", "/rollouts/ro-1", "/rollouts/ro-1/attempts", "/rollouts/ro-1/attempts/search",
  "/rollouts/ro-1/attempts/latest", "/workers/search", "/workers/w", "/resources", "/resources/rs-1", "/waits/rollouts",
]

private let api: LightningAPI = {
  var options = LightningAPI.Options()
  options.requestBytes = 1 << 20
  return LightningAPI(reader: AgreeableStore(), rollouts: AgreeableStore(), options: options) { _ in }
}()

/// Waits for the answer on the fuzzer's thread, which is none of the pool's.
private func respond(to request: HTTPRequest) -> HTTPResponse? {
  let answer = Monitor<(isDone: Bool, response: HTTPResponse?)>((false, nil))
  Task {
    let response = await api.respond(to: request)
    answer.update { value in
      value = (true, response)
      return true
    }
  }
  return answer.wait(until: { $0.isDone }, { $0.response })
}

/// Does whatever it is asked for, and has nothing.
private struct AgreeableStore: RolloutStore, SpanReader {
  private static let rollout = Rollout(
    id: "ro-1", input: .null, startTime: 1, mode: nil, resourcesID: nil, status: .preparing, config: RolloutConfig(),
    metadata: nil)
  private static let attempt = Attempt(rolloutID: "ro-1", id: "at-1", sequence: 1, startTime: 1, status: .preparing)

  let finishedRollouts = RolloutWatch()

  func enqueue(_ rollouts: [NewRollout], once: RequestKey?) async -> [Rollout] { rollouts.map { _ in Self.rollout } }
  func start(_ rollout: NewRollout, worker: String?, once: RequestKey?) async -> AttemptedRollout { attempted }
  func dequeue(limit: Int, worker: String?, once: RequestKey?) async -> [AttemptedRollout] { [] }
  func startAttempt(of rollout: String, worker: String?, once: RequestKey?) async -> AttemptedRollout { attempted }
  func update(rollout: String, _ change: RolloutChange) async -> Rollout { Self.rollout }
  func update(attempt: AttemptReference, of rollout: String, _ change: AttemptChange) async -> Attempt { Self.attempt }
  func heartbeat(ofWorker worker: String, stats: JSONText?) async -> Worker { Worker(id: worker) }
  func store(resources: JSONText, as id: String?, once: RequestKey?) async -> ResourcesUpdate {
    ResourcesUpdate(id: "rs-1", createTime: 1, updateTime: 1, version: 1, resources: resources)
  }
  func nextSequence(rollout: String, attempt: String, once: RequestKey?) async -> Int64 { 1 }
  func add(_ span: NewSpan) async -> Bool {
    precondition(span.batch.spans.count == 1 && span.batch.segments.count == 1, "a span is one span")
    return true
  }
  func findLateAttempts(debounced: Bool) async {}

  private var attempted: AttemptedRollout { AttemptedRollout(rollout: Self.rollout, attempt: Self.attempt) }

  func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void) {
    body(.success(EmptySession()))
  }
}

private struct EmptySession: ReadSession {
  func select(_ query: SpanQuery) -> SpanSelection { SpanSelection(rows: [], total: 0) }
  func visit(_ rows: ArraySlice<SpanRow>, _ body: (SpanRow, Span<UInt8>, SpanLocation) -> Bool) -> Int { rows.count }
  func rollouts(after: Int64, limit: Int, mostAttempts: Int) -> [RolloutSummary] { [] }
  func rollouts(_ query: RolloutQuery) -> PageOf<AttemptedRollout> { PageOf(items: [], total: 0) }
  func rollouts(_ ids: [String]) -> [AttemptedRollout] { [] }
  func rolloutPlaces(_ query: RolloutQuery) -> PageOf<Int64> { PageOf(items: [], total: 0) }
  func rollouts(at places: ArraySlice<Int64>, upTo bytes: Int) -> (items: [AttemptedRollout], done: Int) {
    ([], places.count)
  }
  func unfinished(_ ids: Set<ExactText>) -> Set<ExactText> { [] }
  func spanCounts(ofRollout id: String) -> [String: Int64] { [:] }
  func attempts(_ query: AttemptQuery) -> PageOf<Attempt> { PageOf(items: [], total: 0) }
  func workers(_ query: WorkerQuery) -> PageOf<Worker> { PageOf(items: [], total: 0) }
  func worker(_ id: String) -> Worker? { nil }
  func resources(_ query: ResourcesQuery) -> PageOf<ResourcesUpdate> { PageOf(items: [], total: 0) }
  func resources(_ id: String?) -> ResourcesUpdate? { nil }
  func totals() -> StoreTotals {
    StoreTotals(spans: 0, duplicates: 0, variants: 0, unassigned: 0, rollouts: 0, attempts: 0, traces: 0)
  }
  func bindings(of trace: TraceID?, after: Int64, limit: Int) -> [TraceBinding] { [] }
  func sessions(_ session: String?, after: Int64, limit: Int) -> [SessionRegistration] { [] }
  func attribution(of traceID: TraceID, _ spanID: SpanID) -> [AttributionReport] { [] }
  func unassignedTraces(after: Int64, limit: Int, window: Range<UInt64>?) -> UnassignedPage {
    UnassignedPage(traces: [], next: nil)
  }
  func unassignedSessions(after: Int64, limit: Int, window: Range<UInt64>?) -> UnassignedSessionPage {
    UnassignedSessionPage(sessions: [], next: nil)
  }
  func unassignedWithoutSession() -> UnassignedCount? { nil }
  func spanCounts(ofRollout id: String, byRule: ()) -> [TagRule: Int64] { [:] }
  func pendingRetagging() -> Int64 { 0 }
}

extension EmptySession {
  func services() -> ServiceList { ServiceList(names: [], hasUnnamed: false) }
  func operations(ofService service: String?) -> [TraceStore.Operation] { [] }
  func canFind(services: [String?]?, operation: String?) -> Bool { false }
  func scan<Filter: SpanFilter>(_ scan: inout LogScan, upTo bytes: Int, _ filter: inout Filter) { scan.place = .end }
  func rollouts(withAttempt id: String) -> [String]? { [] }
  func summary(of traceID: TraceID) -> TraceSummary? { nil }
  func countCalls(_ scan: inout CallScan) { scan.isFinished = true }
}
