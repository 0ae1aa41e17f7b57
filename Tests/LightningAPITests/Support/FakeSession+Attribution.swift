import Telemetry
import TraceStore

// Nothing of Agent Lightning's interface asks for these.
extension FakeSession {
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
