import SQLite
import TraceStore

/// The counters of the whole store.
///
/// They are one row, which most transactions of single spans leave alone: the part that they write says the same, and the
/// view `counters` puts both together. A page less is a tenth of such a commit.
struct StoreCounters: ~Copyable {
  /// What the index of traces keeps here.
  struct Traces: Hashable {
    var last: Int64
    var lookedUp: Int64
    var levels: [Int64]
  }

  private(set) var lastArrival: Int64
  private(set) var lastSegment: Int64
  private var spans: Int64
  private var duplicates: Int64
  private var variants: Int64
  private var goneTraces: Int64
  private var goneSpans: Int64
  /// Entries of the lookup table whose traces were deleted.
  var staleLookups: Int64
  /// Whether something was deleted: what the view makes of the parts is then not what it was.
  private var hasDeleted = false
  /// As the row has them.
  private var written: Traces
  private var update: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let update = try connection.prepare(
      """
      UPDATE store SET last_arrival = ?1, last_segment = ?2, last_trace = ?3, looked_up_trace = ?4, level_1 = ?5,
        level_2 = ?6, spans = ?7, duplicates = ?8, variants = ?9, gone_traces = ?10, gone_spans = ?11,
        stale_lookups = ?12
      """)
    var select = try connection.prepare(
      """
      SELECT last_arrival, last_segment, last_trace, looked_up_trace, level_1, level_2, spans, duplicates, variants,
        gone_traces, gone_spans, stale_lookups
      FROM counters
      """)
    let row = try select.first { (row: borrowing Row) in (0..<12).map { row.int(at: $0) } }
    guard let row else {
      throw SQLiteError(code: .corrupt, operation: "open", message: "the table store has no row")
    }
    lastArrival = row[0]
    lastSegment = row[1]
    written = Traces(last: row[2], lookedUp: row[3], levels: [row[4], row[5]])
    spans = row[6]
    duplicates = row[7]
    variants = row[8]
    goneTraces = row[9]
    goneSpans = row[10]
    staleLookups = row[11]
    self.update = update
  }

  /// What the index of traces goes on from.
  var traces: Traces { written }

  /// Takes the number of the next arrival.
  mutating func arrive() { lastArrival += 1 }

  /// Notes that spans were deleted, and traces with them.
  ///
  /// - Parameter lookups: The traces of these whose entries are left in the lookup table.
  mutating func delete(spans: Int64, traces: Int64, lookups: Int64) {
    self.spans -= spans
    goneSpans += spans
    goneTraces += traces
    staleLookups += lookups
    hasDeleted = true
  }

  /// Has the row written with the next commit.
  mutating func touch() { hasDeleted = true }

  /// Writes what a transaction has changed.
  ///
  /// - Parameter isInPart: Whether the transaction has written a part, and no segment.
  mutating func commit(_ change: AppendReceipt, lastSegment: Int64, _ traces: Traces, isInPart: Bool)
    throws(SQLiteError)
  {
    // A transaction without spans has nothing to count.
    if !hasDeleted && lastSegment == self.lastSegment && traces == written && change == AppendReceipt() { return }
    self.lastSegment = lastSegment
    spans += Int64(change.stored)
    duplicates += Int64(change.duplicates)
    variants += Int64(change.variants)
    let isElsewhere = traces.lookedUp != written.lookedUp || traces.levels != written.levels
    if !hasDeleted && isInPart && !isElsewhere && change.duplicates == 0 && change.variants == 0 { return }
    try update.bind(lastArrival, at: 1)
    try update.bind(lastSegment, at: 2)
    try update.bind(traces.last, at: 3)
    try update.bind(traces.lookedUp, at: 4)
    try update.bind(traces.levels[0], at: 5)
    try update.bind(traces.levels[1], at: 6)
    try update.bind(spans, at: 7)
    try update.bind(duplicates, at: 8)
    try update.bind(variants, at: 9)
    try update.bind(goneTraces, at: 10)
    try update.bind(goneSpans, at: 11)
    try update.bind(staleLookups, at: 12)
    try update.run()
    written = traces
    hasDeleted = false
  }
}
