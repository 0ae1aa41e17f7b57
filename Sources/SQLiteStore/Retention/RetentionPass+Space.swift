import SQLite
import TraceStore

/// Gives back what is free, and drops what nobody needs any more.
extension RetentionPass {
  /// Free pages that a database keeps for what comes next, beside a fiftieth of its pages.
  private static var fewPages: Int64 { 512 }
  private static var pagesAtOnce: Int64 { 128 }

  /// Puts a segment into the log that nobody has joined for a while: until then its spans cannot be rewritten.
  func closeOpenSegment(_ reader: RetentionReader) throws {
    var select = try reader.connection.prepare("SELECT segment, received FROM segment_parts LIMIT 1")
    let open = try select.first { (row: borrowing Row) in (id: row.int(at: 0), received: row.int(at: 1)) }
    guard let open, rules.isOlder(open.received, than: .seconds(120)) else { return }
    try steps.step { session, _ in
      try session.packer.settle(open.id)
      session.counters.touch()
    }
  }

  /// Hands free pages back to the file system.
  ///
  /// - Parameter keepsAll: Whether what comes next needs them: a database at its limit fills them again at once.
  func vacuum(_ reader: RetentionReader, keepsAll: Bool) throws {
    guard !keepsAll else { return }
    while !isStopping() {
      let size = try reader.size()
      guard size.freePages > Self.fewPages + size.pages / 50 else { return }
      let pages = min(size.freePages - Self.fewPages, Self.pagesAtOnce)
      try steps.step { session, _ in
        try session.connection.execute("PRAGMA incremental_vacuum(\(pages))")
        session.counters.touch()
      }
      let freed = size.pages - (try reader.size().pages)
      guard freed > 0 else { return }
      var tally = RetentionTally()
      tally.freedBytes = Int(freed) * 4096
      report(tally)
    }
  }

  /// Drops entries of the lookup table whose traces are gone, once they are many.
  func sweepLookups(_ reader: RetentionReader) throws {
    let stale = try reader.connection.integer("SELECT stale_lookups FROM store") ?? 0
    let traces = try reader.connection.integer("SELECT last_trace - gone_traces FROM counters") ?? 0
    guard stale > 16_384, stale > traces / 4 else { return }
    for level in 1...3 {
      var cursor: Int64? = .min
      while let start = cursor, !isStopping() {
        cursor = try steps.step { session, _ in
          let (removed, next) = try session.tables.traces.sweep(
            level: level, from: start, step: 2_048, session.connection)
          session.counters.staleLookups = max(0, session.counters.staleLookups - removed)
          session.counters.touch()
          return next
        }
      }
    }
  }

  /// Drops rows that were kept for a while, and names that nothing has any more.
  func sweepNames(_ reader: RetentionReader) throws {
    let graves = try reader.connection.integer(
      """
      SELECT EXISTS (SELECT 1 FROM attempts WHERE rollout < 0 AND id NOT IN (SELECT attempt FROM deletions)
          AND id < (SELECT max(id) FROM attempts))
        OR EXISTS (SELECT 1 FROM rollouts WHERE \(RolloutRemover.isGrave) AND id < (SELECT max(id) FROM rollouts))
      """)
    if graves == 1 { try steps.step { session, _ in try session.removal.rollouts.sweepGraves() } }
    var select = try reader.connection.prepare(
      """
      SELECT id FROM session_names WHERE NOT EXISTS (SELECT 1 FROM span_sessions WHERE session = session_names.id)
        AND NOT EXISTS (SELECT 1 FROM sessions WHERE session = session_names.id) LIMIT 4096
      """)
    var unused: [Int64] = []
    try select.forEach { (row: borrowing Row) in unused.append(row.int(at: 0)) }
    while !unused.isEmpty, !isStopping() {
      let group = Array(unused.prefix(256))
      unused.removeFirst(group.count)
      try steps.step { session, _ in try session.attribution.sessions.forget(unused: group) }
    }
  }

  /// Sets arrival times right that lie in the future: our clock was wrong when they were noted.
  func correctTimes(_ reader: RetentionReader) throws {
    let limit = now.addingReportingOverflow(3_600_000_000_000).partialValue
    let wrong = try reader.connection.integer(
      """
      SELECT EXISTS (SELECT 1 FROM attempts WHERE last_arrival > \(limit))
        OR EXISTS (SELECT 1 FROM segment_extents WHERE received > \(limit))
      """)
    guard wrong == 1 else { return }
    let now = now
    try steps.step { session, _ in
      try session.connection.execute(
        """
        UPDATE attempts SET last_arrival = \(now), first_arrival = min(first_arrival, \(now)) WHERE last_arrival > \(limit);
        UPDATE segment_extents SET received = \(now) WHERE received > \(limit);
        """)
    }
  }
}
