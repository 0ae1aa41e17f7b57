import Telemetry
import TraceStore

// No test here searches for traces.
extension FakeSession {
  func services() -> ServiceList { ServiceList(names: [], hasUnnamed: false) }
  func operations(ofService service: String?) -> [TraceStore.Operation] { [] }
  func canFind(services: [String?]?, operation: String?) -> Bool { false }
  func scan<Filter: SpanFilter>(_ scan: inout LogScan, upTo bytes: Int, _ filter: inout Filter) { scan.place = .end }
  func rollouts(withAttempt id: String) -> [String]? { [] }
  func summary(of traceID: TraceID) -> TraceSummary? { nil }
  func countCalls(_ scan: inout CallScan) { scan.isFinished = true }
}
