import SQLite
import Telemetry

/// Finds the rows of traces for readers.
struct TraceFinder: ~Copyable {
  private let recent: RecentTraces?
  private let key: TraceKey
  private var lookUp: Statement
  private var scanNew: Statement
  private var readTrace: Statement
  private var ofAttempt: Statement

  init(_ connection: borrowing Connection, recent: RecentTraces?) throws(SQLiteError) {
    self.recent = recent
    let lookUp = try connection.prepare(
      """
      SELECT trace_lookup.trace FROM trace_lookup JOIN traces ON traces.id = trace_lookup.trace
      WHERE level IN (1, 2, 3) AND key = ?1 AND trace_id = ?2
      """)
    let scanNew = try connection.prepare(
      "SELECT id FROM traces WHERE id > (SELECT looked_up_trace FROM store) AND trace_id = ?1")
    let readTrace = try connection.prepare("SELECT trace_id FROM traces WHERE id = ?1")
    let ofAttempt = try connection.prepare(
      """
      SELECT trace, trace_id FROM rollout_traces JOIN traces ON traces.id = trace
      WHERE rollout = (SELECT rollout FROM attempts WHERE id = ?1) AND attempt = ?1 AND spans > 0
      """)
    var salt = try connection.prepare("SELECT salt_high, salt_low FROM store")
    let row = try salt.first { (row: borrowing Row) in (row.int(at: 0), row.int(at: 1)) }
    key = TraceKey(
      saltHigh: UInt64(bitPattern: row?.0 ?? 0), saltLow: UInt64(bitPattern: row?.1 ?? 0))
    self.lookUp = lookUp
    self.scanNew = scanNew
    self.readTrace = readTrace
    self.ofAttempt = ofAttempt
  }

  /// The row of a trace, or `nil` when the snapshot does not have it.
  mutating func row(of traceID: TraceID) throws(SQLiteError) -> Int64? {
    // What the writer remembers may be ahead of the snapshot, or of what will be committed at all.
    if let row = recent?[traceID], try self.traceID(of: row) == traceID { return row }
    try lookUp.bind(key(traceID), at: 1)
    try traceID.withBytes { bytes throws(SQLiteError) in try lookUp.bind(bytes, at: 2) }
    if let row = try lookUp.first({ (row: borrowing Row) in row.int(at: 0) }) { return row }
    // Another process has only this way to the newest traces. In the server the writer's memory has them, but not while
    // it reopens a store that failed, nor when they have moved on since this snapshot was taken.
    try traceID.withBytes { bytes throws(SQLiteError) in try scanNew.bind(bytes, at: 1) }
    return try scanNew.first { (row: borrowing Row) in row.int(at: 0) }
  }

  private mutating func traceID(of row: Int64) throws(SQLiteError) -> TraceID? {
    try readTrace.bind(row, at: 1)
    return try readTrace.first { (row: borrowing Row) in TraceID(row.bytes(at: 0)) } ?? nil
  }

  /// The traces in which the attempts of a query have spans, in the order in which they came.
  mutating func rows(of groups: AttemptGroups) throws(SQLiteError) -> [(Int64, TraceID)] {
    var traces: [Int64: TraceID] = [:]
    for attempt in groups.names.keys {
      try ofAttempt.bind(attempt, at: 1)
      try ofAttempt.forEach { (row: borrowing Row) in
        if let traceID = TraceID(row.bytes(at: 1)) { traces[row.int(at: 0)] = traceID }
      }
    }
    return traces.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }
}
