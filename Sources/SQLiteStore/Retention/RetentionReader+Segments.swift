import SQLite
import TraceStore

/// Finds segments that are worth rewriting.
extension RetentionReader {
  struct FoundSegment {
    var id: Int64
    var lastArrival: Int64
    var received: Int64
    var isStripped: Int64
  }

  /// An attempt that has ended.
  struct QuietAttempt: Sendable {
    var row: Int64
    var lastArrival: Int64
  }

  /// Segments that meet a condition on one number, the oldest first.
  func segments(_ condition: String, _ number: Int64, limit: Int64) throws(SQLiteError) -> [FoundSegment] {
    var select = try connection.prepare(
      """
      SELECT segment, last_arrival, received, is_stripped FROM segment_extents WHERE \(condition)
      ORDER BY is_stripped, last_arrival LIMIT ?2
      """)
    try select.bind(number, at: 1)
    try select.bind(limit, at: 2)
    var found: [FoundSegment] = []
    try select.forEach { (row: borrowing Row) in
      found.append(
        FoundSegment(
          id: row.int(at: 0), lastArrival: row.int(at: 1), received: row.int(at: 2), isStripped: row.int(at: 3)))
    }
    return found
  }

  /// Whether the rollout of an attempt is one of those that are kept longer, or has not ended.
  func isKept(attempt: Int64) throws -> Bool {
    var select = try connection.prepare(
      """
      SELECT rollouts.id, pinned IS NOT NULL OR stage IS NOT NULL OR coalesce(rollouts.status = 'failed', 0)
      FROM attempts JOIN rollouts ON rollouts.id = attempts.rollout WHERE attempts.id = ?1
      """)
    try select.bind(attempt, at: 1)
    let found = try select.first { (row: borrowing Row) in (row.int(at: 0), row.int(at: 1) == 1) }
    guard let (rollout, isKept) = found else { return false }
    return try isKept || hasReward(rollout)
  }

  /// Attempts that have ended, have had no span since a time, and whose spans do not lie together.
  func attemptsToPack(before time: Int64, limit: Int64) throws(SQLiteError) -> [QuietAttempt] {
    var select = try connection.prepare(
      """
      SELECT attempts.id, attempts.last_arrival FROM attempts JOIN rollouts ON rollouts.id = attempts.rollout
      WHERE attempts.rollout > 0 AND attempts.spans > 1 AND attempts.last_arrival < ?1
        AND (packed IS NULL OR packed < attempts.last_arrival)
        AND coalesce(attempts.status, '') NOT IN ('preparing', 'running')
      LIMIT ?2
      """)
    try select.bind(time, at: 1)
    try select.bind(limit, at: 2)
    var found: [QuietAttempt] = []
    try select.forEach { (row: borrowing Row) in
      found.append(QuietAttempt(row: row.int(at: 0), lastArrival: row.int(at: 1)))
    }
    return found
  }

  /// Where the spans of an attempt lie, in the order of their arrival.
  ///
  /// - Returns: `nil` while one of them is in the segment that is still open; none when they lie together already.
  func moves(ofAttempt attempt: Int64) throws(SQLiteError) -> [RewrittenSegment.Move]? {
    var select = try connection.prepare(
      """
      SELECT spans.trace, span_id, variant, arrival, start, segment, offset
      FROM attempts JOIN rollout_traces ON rollout_traces.rollout = attempts.rollout
          AND rollout_traces.attempt = attempts.id
        JOIN spans ON spans.trace = rollout_traces.trace AND spans.attempt = attempts.id
      WHERE attempts.id = ?1 ORDER BY arrival
      """)
    try select.bind(attempt, at: 1)
    var moves: [RewrittenSegment.Move] = []
    var segments: Set<Int64> = []
    try select.forEach { (row: borrowing Row) in
      segments.insert(row.int(at: 5))
      moves.append(
        RewrittenSegment.Move(
          key: SpanKey(trace: row.int(at: 0), spanID: row.int(at: 1), variant: row.int(at: 2)),
          arrival: row.int(at: 3), start: UInt64(bitPattern: row.int(at: 4)), segment: row.int(at: 5),
          offset: Int(row.int(at: 6)), newOffset: 0))
    }
    if let open = try connection.integer("SELECT segment FROM segment_parts LIMIT 1"), segments.contains(open) {
      return nil
    }
    return segments.count == 1 ? [] : moves
  }
}
