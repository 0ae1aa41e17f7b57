import SQLite
import Telemetry

/// The links of spans without a rollout of their own.
struct LinkTable: ~Copyable {
  /// Whether there has been any since the database was opened.
  private(set) var mayHaveSome: Bool
  private var insert: Statement
  private var ofSpan: Statement
  private var isTarget: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT OR IGNORE INTO span_links VALUES(?1, ?2, ?3, ?4, ?5, ?6)")
    let ofSpan = try connection.prepare(
      """
      SELECT linked_trace_id, linked_span_id FROM span_links WHERE trace = ?1 AND span_id = ?2 AND variant = ?3
      ORDER BY position
      """)
    let isTarget = try connection.prepare("SELECT 1 FROM span_links WHERE linked_trace_id = ?1 LIMIT 1")
    mayHaveSome = try connection.integer("SELECT EXISTS (SELECT * FROM span_links)") == 1
    self.insert = insert
    self.ofSpan = ofSpan
    self.isTarget = isTarget
  }

  mutating func add(_ link: SpanLink, position: Int, to span: SpanKey) throws(SQLiteError) {
    mayHaveSome = true
    try insert.bind(span.trace, at: 1)
    try insert.bind(span.spanID, at: 2)
    try insert.bind(span.variant, at: 3)
    try insert.bind(Int64(position), at: 4)
    try link.traceID.withBytes { bytes throws(SQLiteError) in try insert.bind(bytes, at: 5) }
    try insert.bind(Int64(bitPattern: link.spanID.value), at: 6)
    try insert.run()
  }

  /// The links of a span, in the order of the message.
  mutating func of(_ span: SpanKey) throws(SQLiteError) -> [(traceID: TraceID, spanID: Int64)] {
    guard mayHaveSome else { return [] }
    var found: [(traceID: TraceID, spanID: Int64)] = []
    try ofSpan.bind(span.trace, at: 1)
    try ofSpan.bind(span.spanID, at: 2)
    try ofSpan.bind(span.variant, at: 3)
    try ofSpan.forEach { (row: borrowing Row) in
      if let traceID = TraceID(row.bytes(at: 0)) { found.append((traceID, row.int(at: 1))) }
    }
    return found
  }

  /// Whether spans link to spans of a trace.
  mutating func isTarget(_ traceID: TraceID) throws(SQLiteError) -> Bool {
    guard mayHaveSome else { return false }
    try traceID.withBytes { bytes throws(SQLiteError) in try isTarget.bind(bytes, at: 1) }
    return try isTarget.first { (_: borrowing Row) in true } ?? false
  }
}
