import SQLite
import TraceStore

/// Finds single spans.
extension RetentionReader {
  /// The oldest spans of a rollout, in the order of their arrival.
  func oldestSpans(ofRollout rollout: Int64, limit: Int) throws(SQLiteError) -> [(
    span: SurplusSpan, arrival: Int64
  )] {
    var select = try connection.prepare(
      """
      SELECT spans.trace, span_id, variant, spans.attempt, spans.arrival, spans.segment
      FROM attempts JOIN rollout_traces ON rollout_traces.rollout = attempts.rollout
          AND rollout_traces.attempt = attempts.id
        JOIN spans ON spans.trace = rollout_traces.trace AND spans.attempt = attempts.id
      WHERE attempts.rollout = ?1 ORDER BY spans.arrival LIMIT ?2
      """)
    try select.bind(rollout, at: 1)
    try select.bind(Int64(limit), at: 2)
    var found: [(span: SurplusSpan, arrival: Int64)] = []
    try select.forEach { (row: borrowing Row) in
      let key = SpanKey(trace: row.int(at: 0), spanID: row.int(at: 1), variant: row.int(at: 2))
      found.append((SurplusSpan(key: key, attempt: row.int(at: 3), segment: row.int(at: 5)), row.int(at: 4)))
    }
    return found
  }

  /// The row of a service; `nil` when no span has named it.
  func service(named name: String) throws(SQLiteError) -> Int64? {
    var select = try connection.prepare("SELECT id FROM services WHERE name = ?1")
    try select.bind(name, at: 1)
    return try select.first { (row: borrowing Row) in row.int(at: 0) }
  }

  /// The last arrival number of those that came before a time; 0 when there is none.
  func lastArrival(before time: Int64) throws(SQLiteError) -> Int64 {
    var select = try connection.prepare(
      "SELECT coalesce(max(last_arrival), 0) FROM segment_extents WHERE received < ?1")
    try select.bind(time, at: 1)
    return try select.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
  }

  /// The arrival number up to which a service has more spans than it may.
  func lastSurplus(ofService service: Int64, most: Int) throws(SQLiteError) -> Int64 {
    var select = try connection.prepare(
      "SELECT arrival FROM spans WHERE service = ?1 ORDER BY arrival DESC LIMIT 1 OFFSET ?2")
    try select.bind(service, at: 1)
    try select.bind(Int64(most), at: 2)
    return try select.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
  }

  /// Spans of a service that came until then, but for those of rollouts that are pinned, failed, or have not ended.
  ///
  /// - Parameter cursor: Where to go on; its trace is the highest number when there are no more.
  func spans(ofService service: Int64, upTo arrival: Int64, after cursor: inout SpanKey, limit: Int)
    throws(SQLiteError) -> [SurplusSpan]
  {
    var select = try connection.prepare(
      """
      SELECT trace, span_id, variant, attempt, segment,
        coalesce(pinned IS NULL AND stage IS NULL AND coalesce(rollouts.status, '') != 'failed', 1)
          AND attempts.rollout >= 0
      FROM spans JOIN attempts ON attempts.id = attempt LEFT JOIN rollouts ON rollouts.id = attempts.rollout
      WHERE (trace, span_id, variant) > (?1, ?2, ?3) AND service = ?4 AND arrival <= ?5
      ORDER BY trace, span_id, variant LIMIT ?6
      """)
    try select.bind(cursor.trace, at: 1)
    try select.bind(cursor.spanID, at: 2)
    try select.bind(cursor.variant, at: 3)
    try select.bind(service, at: 4)
    try select.bind(arrival, at: 5)
    try select.bind(Int64(limit), at: 6)
    var found: [SurplusSpan] = []
    var last: SpanKey?
    var count = 0
    try select.forEach { (row: borrowing Row) in
      let key = SpanKey(trace: row.int(at: 0), spanID: row.int(at: 1), variant: row.int(at: 2))
      last = key
      count += 1
      guard row.int(at: 5) == 1 else { return }
      found.append(SurplusSpan(key: key, attempt: row.int(at: 3), segment: row.int(at: 4)))
    }
    cursor = count == limit ? last ?? cursor : SpanKey(trace: .max, spanID: 0, variant: 0)
    return found
  }
}
