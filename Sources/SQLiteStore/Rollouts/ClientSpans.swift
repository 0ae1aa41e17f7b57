import SQLite
import Telemetry
import TraceStore

/// The ids of spans that came as AGL's JSON: any text, unique in an attempt.
///
/// AGL store contract, section 9.
struct ClientSpans: ~Copyable {
  private var find: Statement
  private var insert: Statement
  private var findSpan: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare("SELECT 1 FROM client_spans WHERE attempt = ?1 AND span_id = ?2")
    let insert = try connection.prepare("INSERT INTO client_spans VALUES(?1, ?2, ?3, ?4, ?5)")
    let findSpan = try connection.prepare(
      "SELECT 1 FROM spans WHERE trace = ?1 AND span_id = ?2 AND attempt = ?3 LIMIT 1")
    self.find = find
    self.insert = insert
    self.findSpan = findSpan
  }

  /// Whether an attempt has a span of this id, which may have come by OTLP in the same trace.
  mutating func contains(_ span: NewSpan, attempt: Int64, trace: Int64) throws(SQLiteError) -> Bool {
    let id = Self.key(span)
    try find.bind([.integer(attempt), id])
    if try find.first({ (row: borrowing Row) in true }) != nil { return true }
    guard case .integer(let number) = id else { return false }
    try findSpan.bind([.integer(trace), .integer(number), .integer(attempt)])
    return try findSpan.first { (row: borrowing Row) in true } != nil
  }

  mutating func add(_ span: NewSpan, attempt: Int64, arrival: Int64) throws(SQLiteError) {
    let facts = span.batch.spans[0]
    let traceID = span.traceID == facts.traceID.description ? nil : span.traceID
    let parentID = span.parentID.flatMap { $0 == facts.parentID.description ? nil : $0 }
    try insert.run(.integer(attempt), Self.key(span), .integer(arrival), SQLValue(traceID), SQLValue(parentID))
  }

  /// The id as the integer that the index of spans has, where it is the same.
  private static func key(_ span: NewSpan) -> SQLValue {
    let spanID = span.batch.spans[0].spanID
    return span.spanID == spanID.description ? .integer(Int64(bitPattern: spanID.value)) : .text(span.spanID)
  }
}
