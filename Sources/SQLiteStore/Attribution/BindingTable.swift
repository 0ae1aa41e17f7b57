import SQLite
import Telemetry
import TraceStore

/// The registered bindings of traces and spans.
struct BindingTable: ~Copyable {
  /// A binding as a row.
  struct Entry {
    var id: Int64
    /// 0 = the whole trace.
    var spanID: Int64
    var attempt: Int64
    var created: Int64
  }

  /// Whether there has been any since the database was opened: mostly there is none, and then nothing is looked up.
  private(set) var mayHaveSome: Bool
  private var insert: Statement
  private var find: Statement
  private var remove: Statement
  private var ofTrace: Statement
  private var ofSpan: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare(
      "INSERT INTO bindings(trace_id, span_id, attempt, created) VALUES(?1, ?2, ?3, ?4) RETURNING id")
    let find = try connection.prepare(
      "SELECT id, span_id, attempt, created FROM bindings WHERE trace_id = ?1 AND span_id = ?2 AND attempt = ?3")
    let remove = try connection.prepare("DELETE FROM bindings WHERE id = ?1 RETURNING trace_id, span_id")
    let ofTrace = try connection.prepare(
      "SELECT id, span_id, attempt, created FROM bindings WHERE trace_id = ?1 ORDER BY span_id, attempt")
    let ofSpan = try connection.prepare(
      "SELECT id, span_id, attempt, created FROM bindings WHERE trace_id = ?1 AND span_id = ?2 ORDER BY attempt")
    mayHaveSome = try connection.integer("SELECT EXISTS (SELECT * FROM bindings)") == 1
    self.insert = insert
    self.find = find
    self.remove = remove
    self.ofTrace = ofTrace
    self.ofSpan = ofSpan
  }

  private static func read(_ row: borrowing Row) -> Entry {
    Entry(id: row.int(at: 0), spanID: row.int(at: 1), attempt: row.int(at: 2), created: row.int(at: 3))
  }

  /// Adds a binding, or finds the same one.
  mutating func add(_ traceID: TraceID, spanID: Int64, attempt: Int64, now: Int64) throws(SQLiteError) -> (
    entry: Entry, isNew: Bool
  ) {
    try traceID.withBytes { bytes throws(SQLiteError) in
      try find.bind(bytes, at: 1)
      try insert.bind(bytes, at: 1)
    }
    try find.bind(spanID, at: 2)
    try find.bind(attempt, at: 3)
    if let found = try find.first({ (row: borrowing Row) in Self.read(row) }) { return (found, false) }
    try insert.bind(spanID, at: 2)
    try insert.bind(attempt, at: 3)
    try insert.bind(now, at: 4)
    let id = try insert.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    mayHaveSome = true
    return (Entry(id: id, spanID: spanID, attempt: attempt, created: now), true)
  }

  /// Removes a binding, and says what it bound.
  mutating func remove(_ id: Int64) throws(SQLiteError) -> (traceID: TraceID, spanID: Int64)? {
    try remove.bind(id, at: 1)
    return try remove.first { (row: borrowing Row) in
      TraceID(row.bytes(at: 0)).map { ($0, row.int(at: 1)) }
    } ?? nil
  }

  /// The bindings of a trace and of its spans.
  mutating func of(_ traceID: TraceID) throws(SQLiteError) -> [Entry] {
    guard mayHaveSome else { return [] }
    var found: [Entry] = []
    try traceID.withBytes { bytes throws(SQLiteError) in try ofTrace.bind(bytes, at: 1) }
    try ofTrace.forEach { (row: borrowing Row) in found.append(Self.read(row)) }
    return found
  }

  /// The bindings of a span.
  mutating func of(_ traceID: TraceID, _ spanID: Int64) throws(SQLiteError) -> [Entry] {
    guard mayHaveSome else { return [] }
    var found: [Entry] = []
    try traceID.withBytes { bytes throws(SQLiteError) in try ofSpan.bind(bytes, at: 1) }
    try ofSpan.bind(spanID, at: 2)
    try ofSpan.forEach { (row: borrowing Row) in found.append(Self.read(row)) }
    return found
  }
}
