import SQLite

/// A rollout that is to go, as it was when that was decided.
struct RolloutCandidate: Sendable {
  /// Its row.
  var row: Int64
  /// When it was last active, nanoseconds since 1970.
  var lastActivity: Int64
  var spans: Int64
  /// Whether it waits or somebody is at it.
  var isActive: Bool
}

/// Whether a rollout is still what it was when somebody decided that it is to go.
struct RetentionChecks: ~Copyable {
  /// When a rollout was last active, in nanoseconds since 1970, by our clock.
  ///
  /// That is when a span came for it, or when it or one of its attempts began or ended. Heartbeats are times that clients choose.
  ///
  /// - Parameter now: What lies behind it is no time of ours.
  static func activity(now: String) -> String {
    // Seconds as a double are right to a microsecond: what happens now must not count as what has yet to come.
    let time = { (column: String) in
      "CASE WHEN \(column) * 1e9 <= \(now) + 1000000000 THEN CAST(\(column) * 1e9 AS INTEGER) ELSE 0 END"
    }
    return """
      max(coalesce(max(attempts.last_arrival), 0), coalesce(max(\(time("attempts.start_time"))), 0),
        coalesce(max(\(time("attempts.end_time"))), 0), coalesce(\(time("rollouts.start_time")), 0),
        coalesce(\(time("rollouts.end_time")), 0))
      """
  }

  private var select: Statement
  private var selectCursor: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = try connection.prepare(
      """
      SELECT rollout_id, pinned IS NULL, stage IS NOT NULL, \(Self.activity(now: "?2"))
      FROM rollouts LEFT JOIN attempts ON attempts.rollout = rollouts.id WHERE rollouts.id = ?1 GROUP BY rollouts.id
      """)
    let selectCursor = try connection.prepare("SELECT min(cursor) FROM forwarders WHERE is_active = 1")
    self.select = select
    self.selectCursor = selectCursor
  }

  /// The id of a rollout that is still to go.
  mutating func id(of candidate: RolloutCandidate, now: Int64) throws(SQLiteError) -> String? {
    try select.bind(candidate.row, at: 1)
    try select.bind(now, at: 2)
    return try select.first { (row: borrowing Row) in
      guard row.int(at: 1) == 1, row.int(at: 2) == (candidate.isActive ? 1 : 0),
        row.int(at: 3) == candidate.lastActivity
      else { return nil }
      return row.string(at: 0)
    } ?? nil
  }

  /// All spans up to this arrival number are delivered to every forwarder.
  mutating func delivered() throws(SQLiteError) -> Int64 {
    let cursor = try selectCursor.first { (row: borrowing Row) in row.optionalInt(at: 0) }
    return (cursor ?? nil) ?? .max
  }
}
