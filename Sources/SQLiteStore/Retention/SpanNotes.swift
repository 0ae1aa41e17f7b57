import SQLite

/// What other tables note of single spans: their sessions, their links, and hashes of those that share their ids.
struct SpanNotes: ~Copyable {
  private var isNoted: Statement
  private var ofTrace: (sessions: StatementBox, links: StatementBox, variants: StatementBox)
  private var ofSpan: (sessions: StatementBox, links: StatementBox, variants: StatementBox)

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let isNoted = try connection.prepare(
      """
      SELECT EXISTS (SELECT 1 FROM span_sessions WHERE trace = ?1) OR EXISTS (SELECT 1 FROM span_links WHERE trace = ?1)
        OR EXISTS (SELECT 1 FROM span_variants WHERE trace = ?1)
      """)
    let ofTrace = try Self.prepare(connection, "trace = ?1")
    let ofSpan = try Self.prepare(connection, "trace = ?1 AND span_id = ?2 AND variant = ?3")
    self.isNoted = isNoted
    self.ofTrace = ofTrace
    self.ofSpan = ofSpan
  }

  /// Statements are not copyable, and tuples hold only what is.
  private final class StatementBox {
    private var statement: Statement

    init(_ statement: consuming Statement) { self.statement = statement }

    func run(_ values: [SQLValue]) throws(SQLiteError) {
      try statement.bind(values)
      try statement.run()
    }
  }

  private static func prepare(_ connection: borrowing Connection, _ condition: String) throws(SQLiteError) -> (
    sessions: StatementBox, links: StatementBox, variants: StatementBox
  ) {
    let sessions = try connection.prepare("DELETE FROM span_sessions WHERE \(condition)")
    let links = try connection.prepare("DELETE FROM span_links WHERE \(condition)")
    let variants = try connection.prepare("DELETE FROM span_variants WHERE \(condition)")
    return (StatementBox(sessions), StatementBox(links), StatementBox(variants))
  }

  /// Whether anything is noted of spans of a trace.
  mutating func has(_ trace: Int64) throws(SQLiteError) -> Bool {
    try isNoted.bind(trace, at: 1)
    return try isNoted.first { (row: borrowing Row) in row.int(at: 0) == 1 } == true
  }

  /// Deletes what is noted of the spans of a trace.
  mutating func removeAll(of trace: Int64) throws(SQLiteError) {
    try ofTrace.sessions.run([.integer(trace)])
    try ofTrace.links.run([.integer(trace)])
    try ofTrace.variants.run([.integer(trace)])
  }

  /// Deletes what is noted of a span.
  mutating func remove(_ span: SpanKey) throws(SQLiteError) {
    let key: [SQLValue] = [.integer(span.trace), .integer(span.spanID), .integer(span.variant)]
    try ofSpan.sessions.run(key)
    try ofSpan.links.run(key)
    try ofSpan.variants.run(key)
  }
}
