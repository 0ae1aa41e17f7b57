import SQLite
import Telemetry
import TraceStore

/// Reads which sessions have spans that belong nowhere.
///
/// It goes through the sessions in their order, and in each through the traces that have both: spans of the session, and
/// unassigned spans. Both lists are sorted, and what only one of them has is passed over.
struct UnassignedSessionReader: ~Copyable {
  /// Traces without a session that are looked at to count them: some tenths of a second of them.
  private static let mostCounted: Int64 = 100_000

  private var nextSession: Statement
  private var nextTraceOfSession: Statement
  private var nextUnassigned: Statement
  private var spans: Statement
  private var name: Statement
  private var unnamed: Statement
  /// Traces that were looked at.
  private(set) var lookedAt = 0

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let nextSession = try connection.prepare(
      "SELECT session FROM span_sessions WHERE session >= ?1 ORDER BY session LIMIT 1")
    let nextTraceOfSession = try connection.prepare(
      "SELECT trace FROM span_sessions WHERE session = ?1 AND trace >= ?2 ORDER BY trace LIMIT 1")
    // Few attempts are known without their rollouts.
    let nextUnassigned = try connection.prepare(
      """
      SELECT min(trace) FROM (
        SELECT (
          SELECT trace FROM rollout_traces
          WHERE rollout_traces.rollout = 0 AND attempt = attempts.id AND trace >= ?1 AND rollout_traces.spans > 0
          ORDER BY trace LIMIT 1
        ) AS trace
        FROM attempts WHERE attempts.rollout = 0 AND attempts.spans > 0
      )
      """)
    let spans = try connection.prepare(
      """
      SELECT key, count(*), coalesce(min(nullif(start, 0)), 0), max(start),
        max(?3 IS NULL OR (start < ?4 AND start + duration >= ?3))
      FROM span_sessions CROSS JOIN spans USING (trace, span_id, variant)
      WHERE session = ?1 AND trace = ?2 AND (rule & 15) = 0 GROUP BY key
      """)
    let name = try connection.prepare("SELECT name FROM session_names WHERE id = ?1")
    let unnamed = try connection.prepare(
      """
      WITH some AS MATERIALIZED (
        SELECT trace, spans FROM rollout_traces
        WHERE rollout = 0 AND attempt IN (SELECT id FROM attempts WHERE rollout = 0) AND spans > 0
        LIMIT \(Self.mostCounted + 1)
      ), unassigned AS MATERIALIZED (
        SELECT trace, sum(spans) AS spans FROM some GROUP BY trace
      ), counted AS MATERIALIZED (
        SELECT spans - (
          SELECT count(*) FROM (
            SELECT DISTINCT span_id, variant FROM span_sessions CROSS JOIN spans USING (trace, span_id, variant)
            WHERE trace = unassigned.trace AND (rule & 15) = 0
          )
        ) AS spans
        FROM unassigned
      )
      SELECT (SELECT count(*) FROM some), coalesce(sum(spans), 0), count(nullif(spans, 0)) FROM counted
      """)
    self.nextSession = nextSession
    self.nextTraceOfSession = nextTraceOfSession
    self.nextUnassigned = nextUnassigned
    self.spans = spans
    self.name = name
    self.unnamed = unnamed
  }

  /// The first session at or after a row that spans name.
  mutating func session(from row: Int64) throws(SQLiteError) -> Int64? {
    try nextSession.bind(row, at: 1)
    return try nextSession.first { (row: borrowing Row) in row.int(at: 0) }
  }

  /// What a session has of unassigned spans, by the attribute that names it; in the order of these.
  ///
  /// - Parameter window: Only where one of the spans overlaps this time.
  mutating func groups(of session: Int64, window: Range<UInt64>?) throws(SQLiteError) -> [UnassignedSession] {
    var groups: [SpanSession.Key: UnassignedSession] = [:]
    var isInWindow: Set<SpanSession.Key> = []
    var trace: Int64 = 0
    while let candidate = try nextTrace(of: session, from: trace), let next = try unassigned(from: candidate) {
      lookedAt += 1
      trace = next
      guard next == candidate else { continue }
      trace += 1
      try spans.bind(session, at: 1)
      try spans.bind(candidate, at: 2)
      try spans.bind((window?.lowerBound).map { Int64(clamping: $0) }, at: 3)
      try spans.bind((window?.upperBound).map { Int64(clamping: $0) }, at: 4)
      try spans.forEach { (row: borrowing Row) in
        guard let key = SpanSession.Key(rawValue: UInt8(truncatingIfNeeded: row.int(at: 0))) else { return }
        if row.int(at: 4) == 1 { isInWindow.insert(key) }
        groups[key, default: UnassignedSession(session, key)].add(row)
      }
    }
    guard !isInWindow.isEmpty else { return [] }
    try name.bind(session, at: 1)
    let name = try name.first { (row: borrowing Row) in row.string(at: 0) } ?? ""
    return groups.values.filter { isInWindow.contains($0.key) }.sorted { $0.position < $1.position }
      .map { group in
        var group = group
        group.session = name
        return group
      }
  }

  private mutating func nextTrace(of session: Int64, from trace: Int64) throws(SQLiteError) -> Int64? {
    try nextTraceOfSession.bind(session, at: 1)
    try nextTraceOfSession.bind(trace, at: 2)
    return try nextTraceOfSession.first { (row: borrowing Row) in row.int(at: 0) }
  }

  private mutating func unassigned(from trace: Int64) throws(SQLiteError) -> Int64? {
    try nextUnassigned.bind(trace, at: 1)
    return try nextUnassigned.first { (row: borrowing Row) in row.optionalInt(at: 0) } ?? nil
  }

  /// Counts unassigned spans that name no session.
  ///
  /// - Returns: `nil` when there are too many traces to look at.
  mutating func withoutSession() throws(SQLiteError) -> UnassignedCount? {
    let found = try unnamed.first { (row: borrowing Row) in
      row.int(at: 0) > Self.mostCounted ? nil : UnassignedCount(spans: row.int(at: 1), traces: row.int(at: 2))
    }
    return found ?? nil
  }
}

extension UnassignedSession {
  /// Positions of one session.
  private static let keys: Int64 = 8

  /// The session's row of a position.
  static func row(ofPosition position: Int64) -> Int64 { position / keys }

  /// The last position that a session has.
  static func lastPosition(ofRow row: Int64) -> Int64 { row * keys + keys - 1 }

  fileprivate init(_ session: Int64, _ key: SpanSession.Key) {
    self.init(
      position: session * Self.keys + Int64(key.rawValue), key: key, session: "", spans: 0, traces: 0, firstStart: 0,
      lastStart: 0)
  }

  /// Adds the spans of one trace.
  fileprivate mutating func add(_ row: borrowing Row) {
    spans += row.int(at: 1)
    traces += 1
    let (first, last) = (UInt64(bitPattern: row.int(at: 2)), UInt64(bitPattern: row.int(at: 3)))
    // 0 is no time.
    firstStart = firstStart == 0 || (first != 0 && first < firstStart) ? first : firstStart
    lastStart = max(lastStart, last)
  }
}
