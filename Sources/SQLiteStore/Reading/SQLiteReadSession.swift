import OTLP
import Protobuf
import SQLite
import Telemetry
import TraceStore

/// A connection that reads, and the statements that its queries need.
///
/// Used by one thread.
final class SQLiteReadSession: ReadSession {
  private static let cachedSegmentBytes = 4 << 20

  let connection: Connection
  let recent: RecentTraces?
  private let queryDeadline: Duration
  private let interruption: Interruption
  private var rows: SpanRowReader
  var traces: TraceFinder
  var segments: SegmentCache
  var rolloutReader: RolloutReader?
  var scanner: LogScanner?
  var summaries: TraceSummaryReader?
  let autoRollout: AutoRollout
  /// Whether the connection must not be used again.
  private(set) var isBroken = false

  init(
    path: String, access: Connection.Access = .existing, _ options: SQLiteStoreOptions, recent: RecentTraces?,
    interruption: Interruption
  ) throws {
    connection = try Connection(path: path, access: access, vfs: options.vfs, interruption: interruption)
    self.interruption = interruption
    connection.setBusyTimeout(milliseconds: Int32(clamping: options.busyTimeout.milliseconds))
    try connection.execute("PRAGMA query_only = 1; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY")
    connection.keepWALOnClose()
    self.recent = recent
    queryDeadline = options.queryDeadline
    autoRollout = options.autoRollout
    rows = try SpanRowReader(connection)
    traces = try TraceFinder(connection, recent: recent)
    segments = try SegmentCache(connection, capacity: Self.cachedSegmentBytes)
  }

  /// Runs `body` over one state of the database.
  ///
  /// - Throws: When there is no snapshot, and then `body` was not called.
  func snapshot(_ body: (SQLiteReadSession) -> Void) throws(StoreError) {
    try guarded { () throws(SQLiteError) in try connection.execute("BEGIN") }
    connection.setDeadline(.now + queryDeadline)
    defer {
      connection.setDeadline(nil)
      if connection.isInTransaction { try? connection.execute("ROLLBACK") }
    }
    body(self)
  }

  func select(_ query: SpanQuery) throws(StoreError) -> SpanSelection {
    try guarded { () throws(SQLiteError) in
      var builder = SelectionBuilder(query)
      let groups = try groups(of: query)
      let clientIDs = try clientIDs(of: query, groups)
      for (trace, traceID) in try traceRows(of: query, groups) {
        if query.needsDetails {
          try rows.forEachWithDetails(in: trace, traceID, groups) { row throws(SQLiteError) in
            var row = try withWholeName(row)
            if let ids = clientIDs[row.arrival] { row.details.clientIDs = ids }
            builder.add(row)
          }
        } else {
          try rows.forEach(in: trace, groups) { row throws(SQLiteError) in builder.add(row) }
        }
      }
      return builder.selection()
    }
  }

  /// The ids that clients have chosen for spans of a rollout, by arrival.
  private func clientIDs(of query: SpanQuery, _ groups: AttemptGroups) throws(SQLiteError) -> [Int64: ClientIDs] {
    guard query.needsDetails, case .rollout = query.place else { return [:] }
    var select = try connection.prepare(
      """
      SELECT arrival, CASE typeof(span_id) WHEN 'text' THEN span_id END, trace_id, parent_id FROM client_spans
      WHERE attempt = ?1 AND (typeof(span_id) = 'text' OR trace_id IS NOT NULL OR parent_id IS NOT NULL)
      """)
    var found: [Int64: ClientIDs] = [:]
    for attempt in groups.names.keys {
      try select.bind(attempt, at: 1)
      try select.forEach { (row: borrowing Row) in
        found[row.int(at: 0)] = ClientIDs(
          traceID: row.optionalString(at: 2), spanID: row.optionalString(at: 1), parentID: row.optionalString(at: 3))
      }
    }
    return found
  }

  /// The index cuts long names; the log has them as a whole.
  private func withWholeName(_ row: SpanRow) throws(SQLiteError) -> SpanRow {
    guard row.name.utf8.count >= SpanFacts.shortestCutName else { return row }
    var walker = SegmentWalker()
    guard let bytes = try segments.bytes(of: row.segment, reaching: row.offset),
      let span = try Self.find(row, in: bytes, &walker)
    else {
      return row
    }
    var whole = row
    var reader = ProtobufReader(bytes.span, at: span)
    do throws(ProtobufError) {
      while let name = try reader.nextOccurrence(of: 5) {
        whole.details.name = String(decoding: bytes[name], as: UTF8.self)
      }
    } catch {
      throw SQLiteError(code: .corrupt, operation: "read", message: "segment \(row.segment) is damaged: \(error)")
    }
    return whole
  }

  /// The attempts that a query asks for; `nil` = all.
  private func groups(of query: SpanQuery) throws(SQLiteError) -> AttemptGroups {
    switch query.place {
    case .trace: try AttemptGroups(connection, rollout: nil, attempt: .any)
    case .unassigned: try AttemptGroups(connection, unassigned: ())
    case .rollout(let id, let attempt): try AttemptGroups(connection, rollout: id, attempt: attempt)
    }
  }

  private func traceRows(of query: SpanQuery, _ groups: AttemptGroups) throws(SQLiteError) -> [(Int64, TraceID)] {
    if case .trace(let id) = query.place { return try traces.row(of: id).map { [($0, id)] } ?? [] }
    return try traces.rows(of: groups)
  }

  func visit(
    _ wanted: ArraySlice<SpanRow>, _ body: (SpanRow, Span<UInt8>, SpanLocation) -> Bool
  ) throws(StoreError) -> Int {
    try guarded { () throws(SQLiteError) in
      var done = 0
      var current: (segment: Int64, bytes: [UInt8], walker: SegmentWalker)?
      for row in wanted {
        if current?.segment != row.segment || row.offset >= current!.bytes.count {
          current = try segments.bytes(of: row.segment, reaching: row.offset).map { (row.segment, $0, SegmentWalker()) }
        }
        // The segment was rewritten or dropped since the rows were selected.
        guard let bytes = current?.bytes, let span = try Self.find(row, in: bytes, &current!.walker) else {
          return done
        }
        done += 1
        let location = SpanLocation(
          resourceSpans: current!.walker.resourceSpans, scopeSpans: current!.walker.scopeSpans, span: span,
          segment: row.segment)
        if !body(row, bytes.span, location) { return done }
      }
      return done
    }
  }

  private static func find(_ row: SpanRow, in bytes: [UInt8], _ walker: inout SegmentWalker) throws(SQLiteError)
    -> Range<Int>?
  {
    do throws(ProtobufError) {
      return try walker.find(row.offset, in: bytes.span)
    } catch {
      throw SQLiteError(code: .corrupt, operation: "read", message: "segment \(row.segment) is damaged: \(error)")
    }
  }

  func rollouts(after: Int64, limit: Int, mostAttempts: Int) throws(StoreError) -> [RolloutSummary] {
    try guarded { () throws(SQLiteError) in
      var summaries: [RolloutSummary] = []
      var select = try connection.prepare(
        """
        SELECT rollouts.id, rollouts.rollout_id, attempts.attempt_id IS NOT NULL, attempts.attempt_id, attempts.spans,
          attempts.first_arrival, attempts.last_arrival
        FROM (
            SELECT * FROM rollouts
            WHERE id > ?1 AND EXISTS (SELECT * FROM attempts WHERE rollout = rollouts.id AND spans > 0)
            ORDER BY id LIMIT ?2
          ) AS rollouts
          JOIN attempts ON attempts.rollout = rollouts.id
        WHERE attempts.spans > 0
        ORDER BY rollouts.id, attempts.id
        """)
      try select.bind(after, at: 1)
      try select.bind(Int64(limit), at: 2)
      try select.forEach { (row: borrowing Row) in
        let attempt = RolloutSummary.Attempt(
          id: row.int(at: 2) == 0 ? nil : row.string(at: 3), spans: row.int(at: 4), firstArrival: row.int(at: 5),
          lastArrival: row.int(at: 6))
        if summaries.last?.position != row.int(at: 0) {
          summaries.append(
            RolloutSummary(position: row.int(at: 0), id: row.string(at: 1), mostAttempts: mostAttempts))
        }
        summaries[summaries.count - 1].add(attempt)
      }
      return summaries
    }
  }

  func totals() throws(StoreError) -> StoreTotals {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT spans, duplicates, variants, last_trace - gone_traces,
          (SELECT coalesce(sum(spans), 0) FROM attempts WHERE rollout = 0),
          (SELECT count(*) FROM rollouts WHERE status IS NOT NULL),
          (SELECT count(*) FROM attempts WHERE status IS NOT NULL),
          (SELECT count(*) FROM resources), (SELECT count(*) FROM workers)
        FROM counters
        """)
      let totals = try select.first { (row: borrowing Row) in
        var totals = StoreTotals(
          spans: row.int(at: 0), duplicates: row.int(at: 1), variants: row.int(at: 2), unassigned: row.int(at: 4),
          rollouts: row.int(at: 5), attempts: row.int(at: 6), traces: row.int(at: 3))
        totals.resources = row.int(at: 7)
        totals.workers = row.int(at: 8)
        return totals
      }
      guard let totals else {
        throw SQLiteError(code: .corrupt, operation: "read", message: "the table store has no row")
      }
      return totals
    }
  }

  /// Turns SQLite's errors into the store's, and notes when the connection is no longer good.
  func guarded<Result>(_ body: () throws(SQLiteError) -> Result) throws(StoreError) -> Result {
    // Short statements end before SQLite looks whether it was interrupted.
    guard !interruption.isRequested else { throw .closing }
    do throws(SQLiteError) {
      return try body()
    } catch {
      guard error.code.primary != .interrupted || !interruption.isRequested else { throw .closing }
      let failure = StoreError(error)
      if failure.endsConnection { isBroken = true }
      throw failure
    }
  }
}
