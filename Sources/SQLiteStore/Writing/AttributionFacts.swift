import SQLite
import Telemetry

/// Notes what spans without a rollout name, so that they are found when a later fact gives them one.
struct AttributionFacts: ~Copyable {
  private var insertSession: Statement
  private var insertLink: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insertSession = try connection.prepare("INSERT OR IGNORE INTO span_sessions VALUES(?1, ?2, ?3, ?4, ?5)")
    let insertLink = try connection.prepare("INSERT OR IGNORE INTO pending_links VALUES(?1, ?2, ?3, ?4, ?5)")
    self.insertSession = insertSession
    self.insertLink = insertLink
  }

  mutating func add(_ session: SpanSession, trace: Int64, spanID: SpanID, variant: Int64) throws(SQLiteError) {
    try insertSession.bind(Int64(session.key.rawValue), at: 1)
    try insertSession.bind(session.value, at: 2)
    try insertSession.bind(trace, at: 3)
    try insertSession.bind(Int64(bitPattern: spanID.value), at: 4)
    try insertSession.bind(variant, at: 5)
    try insertSession.run()
  }

  mutating func add(_ link: SpanLink, trace: Int64, spanID: SpanID, variant: Int64) throws(SQLiteError) {
    try link.traceID.withBytes { bytes throws(SQLiteError) in try insertLink.bind(bytes, at: 1) }
    try insertLink.bind(Int64(bitPattern: link.spanID.value), at: 2)
    try insertLink.bind(trace, at: 3)
    try insertLink.bind(Int64(bitPattern: spanID.value), at: 4)
    try insertLink.bind(variant, at: 5)
    try insertLink.run()
  }
}
