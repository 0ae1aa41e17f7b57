import OTLP
import Protobuf
import SQLite
import Telemetry
import TraceStore

/// Finds what is to go, on a connection of its own, so that the writer need not look for it.
///
/// Everything it finds may have changed when the writer comes to it, and is checked there again.
final class RetentionReader {
  /// A rollout as retention sees it.
  struct FoundRollout {
    var candidate: RolloutCandidate
    var isFailed: Bool
    /// Whether somebody has registered it, and it has finished.
    var hasEnded: Bool
    /// When its last span came, nanoseconds since 1970; 0 without spans.
    var lastArrival: Int64
  }

  /// A trace with spans of no rollout.
  struct FoundTrace {
    var candidate: TraceCandidate
    /// When its first and its last such span came.
    var firstArrival: Int64
    var lastArrival: Int64
  }

  /// Bytes of the database.
  struct Size {
    var pages: Int64
    var freePages: Int64

    var usedBytes: Int64 { (pages - freePages) * 4096 }
    var bytes: Int64 { pages * 4096 }
  }

  /// When to search again for what can go to make room, after a search in vain.
  var nextSearch = ContinuousClock.now
  let connection: Connection
  /// The row behind which the search for rollouts that are too old goes on; 0 = it begins anew.
  var lastOldRollout: Int64 = 0
  private var selectRollouts: Statement
  private var selectUnassigned: Statement
  private var selectArrivals: Statement
  private var selectRewards: Statement
  private var selectOldestTraces: Statement
  private var selectSpans: Statement
  private var selectPages: Statement
  private var selectFreePages: Statement
  private var segments: SegmentCache

  init(
    path: String, access: Connection.Access = .existing, vfs: String? = nil, interruption: Interruption? = nil
  ) throws {
    let connection = try Connection(path: path, access: access, vfs: vfs, interruption: interruption)
    connection.setBusyTimeout(milliseconds: 2_000)
    try connection.execute("PRAGMA query_only = 1; PRAGMA cache_size = -2048; PRAGMA temp_store = MEMORY")
    connection.keepWALOnClose()
    // An interruption takes effect only while there is a deadline.
    if interruption != nil { connection.setDeadline(.now + .seconds(100 * 365 * 86_400)) }
    let selectRollouts = try connection.prepare(
      """
      SELECT rollouts.id, pinned IS NOT NULL, stage IS NOT NULL, coalesce(rollouts.status = 'failed', 0),
        coalesce(sum(attempts.spans), 0), coalesce(max(attempts.last_arrival), 0),
        \(RetentionChecks.activity(now: "?1")), coalesce(rollouts.status, '') IN ('queuing', 'requeuing'),
        rollouts.status IS NOT NULL AND stage IS NULL
      FROM rollouts LEFT JOIN attempts ON attempts.rollout = rollouts.id
      WHERE rollouts.id > ?2 AND NOT \(RolloutRemover.isGrave) GROUP BY rollouts.id
      """)
    let selectUnassigned = try connection.prepare(
      """
      SELECT attempt, trace, spans FROM rollout_traces
      WHERE rollout = 0 AND (attempt, trace) > (?1, ?2) AND spans > 0 ORDER BY attempt, trace LIMIT ?3
      """)
    // The segment that is still open has no extent yet.
    let selectArrivals = try connection.prepare(
      """
      SELECT min(coalesce(received, (SELECT received FROM segment_parts LIMIT 1), ?3)),
        max(coalesce(received, (SELECT received FROM segment_parts LIMIT 1), ?3))
      FROM (SELECT DISTINCT segment FROM spans WHERE trace = ?1 AND attempt = ?2) AS found
        LEFT JOIN segment_extents ON segment_extents.segment = found.segment
      """)
    let selectRewards = try connection.prepare(
      """
      SELECT spans.segment, spans.offset
      FROM attempts JOIN rollout_traces ON rollout_traces.rollout = attempts.rollout
          AND rollout_traces.attempt = attempts.id
        JOIN spans ON spans.trace = rollout_traces.trace AND spans.attempt = attempts.id
      WHERE attempts.rollout = ?1 AND CASE typeof(spans.name)
        WHEN 'integer' THEN spans.name IN (SELECT id FROM names WHERE name GLOB 'agentlightning.*')
        ELSE spans.name GLOB 'agentlightning.*' END
      """)
    // CASE and not OR, of which SQLite evaluates both sides: to look at all spans of a trace takes most of the time.
    let selectOldestTraces = try connection.prepare(
      """
      SELECT found.id, found.attempt, attempts.rollout, rollout_traces.spans,
        CASE WHEN attempts.rollout <= 0 OR pinned IS NOT NULL OR stage IS NOT NULL THEN 0 WHEN ?3 = \(Int64.max) THEN 1
          ELSE ?3 >=
            (SELECT max(arrival) FROM spans WHERE spans.trace = found.id AND spans.attempt = found.attempt) END
      FROM (SELECT id, (SELECT attempt FROM spans WHERE trace = traces.id LIMIT 1) AS attempt FROM traces
          WHERE id > ?1 ORDER BY id LIMIT ?2) AS found
        JOIN attempts ON attempts.id = found.attempt
        JOIN rollout_traces ON rollout_traces.rollout = attempts.rollout AND rollout_traces.attempt = found.attempt
          AND rollout_traces.trace = found.id
        LEFT JOIN rollouts ON rollouts.id = attempts.rollout
      ORDER BY found.id
      """)
    let selectSpans = try connection.prepare("SELECT spans FROM counters")
    let selectPages = try connection.prepare("PRAGMA page_count")
    let selectFreePages = try connection.prepare("PRAGMA freelist_count")
    segments = try SegmentCache(connection, capacity: 1 << 20)
    self.connection = connection
    self.selectRollouts = selectRollouts
    self.selectUnassigned = selectUnassigned
    self.selectArrivals = selectArrivals
    self.selectRewards = selectRewards
    self.selectOldestTraces = selectOldestTraces
    self.selectSpans = selectSpans
    self.selectPages = selectPages
    self.selectFreePages = selectFreePages
  }

  /// Runs `body` over one state of the database.
  func snapshot<Value>(_ body: () throws -> Value) throws -> Value {
    try connection.execute("BEGIN")
    defer { try? connection.execute("ROLLBACK") }
    return try body()
  }

  /// Shows all rollouts but those that are pinned or wait in the queue, in the order in which they were first seen.
  ///
  /// - Parameter last: The row behind which it begins.
  func rollouts(now: Int64, after last: Int64 = 0, _ body: (FoundRollout) -> Void) throws(SQLiteError) {
    try selectRollouts.bind(now, at: 1)
    try selectRollouts.bind(last, at: 2)
    try selectRollouts.forEach { (row: borrowing Row) in
      guard row.int(at: 1) == 0, row.int(at: 7) == 0 else { return }
      let candidate = RolloutCandidate(
        row: row.int(at: 0), lastActivity: row.int(at: 6), spans: row.int(at: 4), isActive: row.int(at: 2) == 1)
      body(
        FoundRollout(
          candidate: candidate, isFailed: row.int(at: 3) == 1, hasEnded: row.int(at: 8) == 1,
          lastArrival: row.int(at: 5)))
    }
  }

  /// The oldest traces with spans of rollouts that nobody has registered, or that have ended.
  ///
  /// Of a trace that spans of several attempts are in, one of them is looked at.
  ///
  /// - Parameter last: The last trace that was looked at.
  /// - Returns: Those found, and the last trace that was looked at; `nil` at the end.
  func oldestTraces(after last: Int64, limit: Int, delivered: Int64) throws(SQLiteError) -> (
    traces: [TraceCandidate], last: Int64?
  ) {
    try selectOldestTraces.bind(last, at: 1)
    try selectOldestTraces.bind(Int64(limit), at: 2)
    try selectOldestTraces.bind(delivered, at: 3)
    var found: [TraceCandidate] = []
    var end: Int64?
    try selectOldestTraces.forEach { (row: borrowing Row) in
      end = row.int(at: 0)
      guard row.int(at: 4) == 1 else { return }
      found.append(
        TraceCandidate(
          rollout: row.int(at: 2), attempt: row.int(at: 1), trace: row.int(at: 0), spans: row.int(at: 3)))
    }
    return (found, end)
  }

  /// Traces with spans of no rollout, the oldest of an attempt first.
  ///
  /// - Parameter last: Where to go on.
  func unassigned(after last: TraceCandidate?, limit: Int, now: Int64) throws(SQLiteError)
    -> [FoundTrace]
  {
    var candidates: [TraceCandidate] = []
    try selectUnassigned.bind(last?.attempt ?? 0, at: 1)
    try selectUnassigned.bind(last?.trace ?? 0, at: 2)
    try selectUnassigned.bind(Int64(limit), at: 3)
    try selectUnassigned.forEach { (row: borrowing Row) in
      candidates.append(TraceCandidate(attempt: row.int(at: 0), trace: row.int(at: 1), spans: row.int(at: 2)))
    }
    var found: [FoundTrace] = []
    for candidate in candidates {
      try selectArrivals.bind(candidate.trace, at: 1)
      try selectArrivals.bind(candidate.attempt, at: 2)
      try selectArrivals.bind(now, at: 3)
      let times = try selectArrivals.first { (row: borrowing Row) in (row.int(at: 0), row.int(at: 1)) }
      found.append(
        FoundTrace(candidate: candidate, firstArrival: times?.0 ?? now, lastArrival: times?.1 ?? now))
    }
    return found
  }

  /// Whether a span of a rollout carries a reward.
  ///
  /// AGL store contract, section 16: the attribute `agentlightning.reward.0.value`, in spans whose names all begin alike.
  func hasReward(_ rollout: Int64) throws -> Bool {
    var places: [(segment: Int64, offset: Int)] = []
    try selectRewards.bind(rollout, at: 1)
    try selectRewards.forEach { (row: borrowing Row) in places.append((row.int(at: 0), Int(row.int(at: 1)))) }
    for place in places {
      guard let bytes = try segments.bytes(of: place.segment, reaching: place.offset) else { continue }
      var walker = SegmentWalker()
      guard let span = try walker.find(place.offset, in: bytes.span) else { continue }
      if try Self.hasReward(bytes.span.extracting(span)) { return true }
    }
    return false
  }

  private static func hasReward(_ span: Span<UInt8>) throws(ProtobufError) -> Bool {
    var reader = ProtobufReader(span)
    while let attribute = try reader.nextOccurrence(of: 9) {
      let key = try KeyValueFields(span, at: attribute).key
      if key.count == 29, span.extracting(key).isText("agentlightning.reward.0.value") { return true }
    }
    return false
  }

  /// Up to which arrival time everything is delivered to every forwarder, and up to which number.
  func delivered() throws(SQLiteError) -> (time: Int64, arrival: Int64) {
    guard let cursor = try connection.integer("SELECT min(cursor) FROM forwarders WHERE is_active = 1"), cursor > 0
    else {
      let hasForwarder = try connection.integer("SELECT count(*) FROM forwarders WHERE is_active = 1") ?? 0 > 0
      return hasForwarder ? (0, 0) : (.max, .max)
    }
    var select = try connection.prepare(
      """
      SELECT min((SELECT coalesce(min(received), \(Int64.max)) FROM segment_extents WHERE last_arrival > ?1),
        (SELECT coalesce(min(received), \(Int64.max)) FROM segment_parts WHERE last_arrival > ?1))
      """)
    try select.bind(cursor, at: 1)
    return (try select.first { (row: borrowing Row) in row.int(at: 0) } ?? 0, cursor)
  }

  /// What a span takes on average, all tables included.
  ///
  /// - Parameter size: That of the database.
  func bytesPerSpan(_ size: Size) throws(SQLiteError) -> Int64 {
    let spans = try Self.integer(&selectSpans)
    return max(1, size.usedBytes / max(1, spans))
  }

  func size() throws(SQLiteError) -> Size {
    Size(pages: try Self.integer(&selectPages), freePages: try Self.integer(&selectFreePages))
  }

  private static func integer(_ select: inout Statement) throws(SQLiteError) -> Int64 {
    try select.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
  }
}

extension Span where Element == UInt8 {
  /// Whether these are the bytes of a text.
  func isText(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount else { return false }
    for index in 0..<count where unsafe self[index] != text.utf8Start[index] { return false }
    return true
  }
}
