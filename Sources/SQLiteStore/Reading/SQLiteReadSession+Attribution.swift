import SQLite
import Telemetry
import TraceStore

extension SQLiteReadSession {
  func bindings(of trace: TraceID?, after: Int64, limit: Int) throws(StoreError) -> [TraceBinding] {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT bindings.id, trace_id, span_id, rollout_id, attempt_id, created
        FROM bindings JOIN attempts ON attempts.id = attempt JOIN rollouts ON rollouts.id = attempts.rollout
        WHERE bindings.id > ?1 \(trace == nil ? "" : "AND trace_id = ?3") ORDER BY bindings.id LIMIT ?2
        """)
      try select.bind(after, at: 1)
      try select.bind(Int64(limit), at: 2)
      try trace?.withBytes { bytes throws(SQLiteError) in try select.bind(bytes, at: 3) }
      var found: [TraceBinding] = []
      try select.forEach { (row: borrowing Row) in
        guard let traceID = TraceID(row.bytes(at: 1)) else { return }
        let spanID = UInt64(bitPattern: row.int(at: 2))
        let new = NewBinding(
          traceID: traceID, spanID: spanID == 0 ? nil : SpanID(value: spanID), rolloutID: row.string(at: 3),
          attemptID: row.optionalString(at: 4))
        found.append(TraceBinding(id: row.int(at: 0), new: new, created: row.int(at: 5)))
      }
      return found
    }
  }

  func sessions(_ session: String?, after: Int64, limit: Int) throws(StoreError) -> [SessionRegistration] {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT sessions.id, name, rollout_id, attempt_id, sessions.start_time, sessions.end_time, created
        FROM sessions JOIN session_names ON session_names.id = session JOIN attempts ON attempts.id = attempt
          JOIN rollouts ON rollouts.id = attempts.rollout
        WHERE sessions.id > ?1 \(session == nil ? "" : "AND name = ?3") ORDER BY sessions.id LIMIT ?2
        """)
      try select.bind(after, at: 1)
      try select.bind(Int64(limit), at: 2)
      if let session { try select.bind(session, at: 3) }
      var found: [SessionRegistration] = []
      try select.forEach { (row: borrowing Row) in found.append(SessionRegistration(row)) }
      return found
    }
  }

  func attribution(of traceID: TraceID, _ spanID: SpanID) throws(StoreError) -> [AttributionReport] {
    try guarded { () throws(SQLiteError) in
      guard let trace = try traces.row(of: traceID) else { return [] }
      let examiner = try AttributionExaminer(connection, trace: trace, traceID, autoRollout: autoRollout)
      return try examiner.reports(on: spanID, &traces)
    }
  }

  /// Traces and sessions that one page looks at: some tens of milliseconds of them.
  private static let mostLookedAt = 20_000

  func unassignedTraces(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError) -> UnassignedPage {
    try guarded { () throws(SQLiteError) in
      let reader = try UnassignedReader(connection)
      var found: [UnassignedTrace] = []
      var last = after
      var lookedAt = 0
      while found.count < limit && lookedAt < Self.mostLookedAt {
        let page = try reader.traces(after: last, limit: limit)
        for trace in page where found.count < limit {
          last = trace
          lookedAt += 1
          if let details = try reader.details(of: trace, window: window) { found.append(details) }
        }
        if page.count < limit && page.last ?? last == last { return UnassignedPage(traces: found, next: nil) }
      }
      return UnassignedPage(traces: found, next: last)
    }
  }

  func unassignedSessions(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError)
    -> UnassignedSessionPage
  {
    try guarded { () throws(SQLiteError) in
      var reader = try UnassignedSessionReader(connection)
      var found: [UnassignedSession] = []
      var row = UnassignedSession.row(ofPosition: after)
      var sessions = 0
      while let session = try reader.session(from: row) {
        for group in try reader.groups(of: session, window: window) where group.position > after {
          if found.count == limit { return UnassignedSessionPage(sessions: found, next: found.last?.position) }
          found.append(group)
        }
        row = session + 1
        sessions += 1
        // The first position of the next session is higher by one.
        if sessions + reader.lookedAt >= Self.mostLookedAt {
          return UnassignedSessionPage(sessions: found, next: UnassignedSession.lastPosition(ofRow: session))
        }
      }
      return UnassignedSessionPage(sessions: found, next: nil)
    }
  }

  func unassignedWithoutSession() throws(StoreError) -> UnassignedCount? {
    try guarded { () throws(SQLiteError) in
      var reader = try UnassignedSessionReader(connection)
      return try reader.withoutSession()
    }
  }

  /// The traces that a claim is about: those with unassigned spans that it has not bound before.
  func claimable(_ claim: UnassignedClaim, limit: Int) throws(StoreError) -> [TraceID] {
    try guarded { () throws(SQLiteError) in
      if case .traces(let ids) = claim.spans { return Array(ids.prefix(limit)) }
      let isBound = """
        EXISTS (
          SELECT * FROM bindings JOIN attempts ON attempts.id = bindings.attempt
            JOIN rollouts ON rollouts.id = attempts.rollout
          WHERE bindings.trace_id = traces.trace_id AND bindings.span_id = 0 AND rollout_id = ?1 AND attempt_id IS ?2
        )
        """
      let isUnassigned = "EXISTS (SELECT * FROM spans WHERE spans.trace = traces.id AND (rule & 15) = 0"
      var select: Statement
      switch claim.spans {
      case .traces: return []
      case .session(let name):
        select = try connection.prepare(
          """
          SELECT trace_id FROM traces
          WHERE id IN (
              SELECT trace FROM span_sessions WHERE session = (SELECT id FROM session_names WHERE name = ?4)
            )
            AND NOT \(isBound) AND EXISTS (
              SELECT * FROM span_sessions JOIN spans USING (trace, span_id, variant)
              WHERE trace = traces.id AND (rule & 15) = 0
                AND session = (SELECT id FROM session_names WHERE name = ?4)
            )
          ORDER BY id LIMIT ?3
          """)
        try select.bind(name, at: 4)
      case .window(let from, let to):
        select = try connection.prepare(
          """
          SELECT trace_id FROM traces
          WHERE id IN (
              SELECT trace FROM rollout_traces
              WHERE rollout = 0 AND attempt IN (SELECT id FROM attempts WHERE rollout = 0) AND spans > 0
            )
            AND \(isUnassigned) AND start < ?5 AND start + duration >= ?4) AND NOT \(isBound)
          ORDER BY id LIMIT ?3
          """)
        try select.bind(Int64(clamping: from), at: 4)
        try select.bind(Int64(clamping: to), at: 5)
      }
      try select.bind(claim.rolloutID, at: 1)
      if let attempt = claim.attemptID { try select.bind(attempt, at: 2) } else { try select.bindNull(at: 2) }
      try select.bind(Int64(limit), at: 3)
      var found: [TraceID] = []
      try select.forEach { (row: borrowing Row) in if let id = TraceID(row.bytes(at: 0)) { found.append(id) } }
      return found
    }
  }

  func spanCounts(ofRollout id: String, byRule: ()) throws(StoreError) -> [TagRule: Int64] {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT spans.rule, count(*)
        FROM rollouts JOIN attempts ON attempts.rollout = rollouts.id
          JOIN rollout_traces ON rollout_traces.rollout = rollouts.id AND rollout_traces.attempt = attempts.id
          JOIN spans ON spans.trace = rollout_traces.trace AND spans.attempt = attempts.id
        WHERE rollout_id = ?1 AND rollout_traces.spans > 0 GROUP BY spans.rule
        """)
      try select.bind(id, at: 1)
      var counts: [TagRule: Int64] = [:]
      try select.forEach { (row: borrowing Row) in
        counts[RuleCode(rawValue: row.int(at: 0)).shown, default: 0] += row.int(at: 1)
      }
      return counts
    }
  }

  func pendingRetagging() throws(StoreError) -> Int64 {
    try guarded { () throws(SQLiteError) in try connection.integer("SELECT count(*) FROM retag_work") ?? 0 }
  }

  func lastArrivals(atEndsOf rollout: String) throws(StoreError) -> [String: Int64] {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT attempt_id, end_arrival FROM attempts JOIN rollouts ON rollouts.id = rollout
        WHERE rollout_id = ?1 AND attempt_id IS NOT NULL AND end_arrival IS NOT NULL
        """)
      try select.bind(rollout, at: 1)
      var found: [String: Int64] = [:]
      try select.forEach { (row: borrowing Row) in found[row.string(at: 0)] = row.int(at: 1) }
      return found
    }
  }
}

/// Reads which traces have spans that belong nowhere.
private final class UnassignedReader {
  private var attempts: [Int64] = []
  private var selectTraces: Statement
  private var selectDetails: Statement
  private var selectFirst: Statement
  private var selectSessions: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    var selectAttempts = try connection.prepare("SELECT id FROM attempts WHERE rollout = 0 AND spans > 0")
    selectTraces = try connection.prepare(
      """
      SELECT trace FROM rollout_traces
      WHERE rollout = 0 AND attempt = ?1 AND trace > ?2 AND spans > 0 ORDER BY trace LIMIT ?3
      """)
    selectDetails = try connection.prepare(
      """
      SELECT trace_id, count(*), min(nullif(start, 0)), max(start + duration), min(arrival), max(arrival),
        max(?2 IS NULL OR (start < ?3 AND start + duration >= ?2))
      FROM spans JOIN traces ON traces.id = trace WHERE trace = ?1 AND (rule & 15) = 0
      """)
    selectFirst = try connection.prepare(
      """
      SELECT services.name FROM spans JOIN services ON services.id = service
      WHERE trace = ?1 AND (rule & 15) = 0 ORDER BY arrival LIMIT 1
      """)
    selectSessions = try connection.prepare(
      """
      SELECT DISTINCT session_names.name
      FROM span_sessions JOIN spans USING (trace, span_id, variant) JOIN session_names ON session_names.id = session
      WHERE trace = ?1 AND (rule & 15) = 0 LIMIT \(UnassignedTrace.mostSessions)
      """)
    var found: [Int64] = []
    try selectAttempts.forEach { (row: borrowing Row) in found.append(row.int(at: 0)) }
    attempts = found
  }

  /// The rows of traces, in their order.
  func traces(after: Int64, limit: Int) throws(SQLiteError) -> [Int64] {
    var found: Set<Int64> = []
    for attempt in attempts {
      try selectTraces.bind(attempt, at: 1)
      try selectTraces.bind(after, at: 2)
      try selectTraces.bind(Int64(limit), at: 3)
      try selectTraces.forEach { (row: borrowing Row) in found.insert(row.int(at: 0)) }
    }
    return Array(found.sorted().prefix(limit))
  }

  /// - Returns: `nil` when none of the spans is in the window.
  func details(of trace: Int64, window: Range<UInt64>?) throws(SQLiteError) -> UnassignedTrace? {
    try selectDetails.bind(trace, at: 1)
    try selectDetails.bind((window?.lowerBound).map { Int64(clamping: $0) }, at: 2)
    try selectDetails.bind((window?.upperBound).map { Int64(clamping: $0) }, at: 3)
    let found = try selectDetails.first { (row: borrowing Row) -> UnassignedTrace? in
      guard row.int(at: 6) == 1, let traceID = TraceID(row.bytes(at: 0)) else { return nil }
      return UnassignedTrace(
        position: trace, traceID: traceID, spans: row.int(at: 1), startTime: UInt64(bitPattern: row.int(at: 2)),
        endTime: UInt64(bitPattern: row.int(at: 3)), firstArrival: row.int(at: 4), lastArrival: row.int(at: 5),
        sessions: [], service: nil)
    }
    guard var details = found ?? nil else { return nil }
    try selectFirst.bind(trace, at: 1)
    details.service = try selectFirst.first { (row: borrowing Row) in row.string(at: 0) }
    try selectSessions.bind(trace, at: 1)
    try selectSessions.forEach { (row: borrowing Row) in details.sessions.append(row.string(at: 0)) }
    return details
  }
}
