import SQLite
import Telemetry
import TraceStore

extension SQLiteReadSession {
  func bindings(of trace: TraceID?, after: Int64, limit: Int) throws(StoreError) -> [TraceBinding] { [] }
  func sessions(_ session: String?, after: Int64, limit: Int) throws(StoreError) -> [SessionRegistration] { [] }
  func attribution(of traceID: TraceID, _ spanID: SpanID) throws(StoreError) -> [AttributionReport] { [] }
  func unassignedTraces(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError) -> [UnassignedTrace] { [] }
  func spanCounts(ofRollout id: String, byRule: ()) throws(StoreError) -> [TagRule: Int64] { [:] }
  func pendingRetagging() throws(StoreError) -> Int64 {
    try guarded { () throws(SQLiteError) in try connection.integer("SELECT count(*) FROM retag_work") ?? 0 }
  }
}
