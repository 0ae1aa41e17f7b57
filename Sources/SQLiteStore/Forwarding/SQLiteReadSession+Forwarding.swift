import SQLite
import TraceStore

extension SQLiteReadSession: ForwardSession {
  func page(
    after position: ForwardPosition, _ limits: ForwardPageLimits, forwarder: Int64, isWanted: (ForwardSpan) -> Bool
  ) throws(StoreError) -> ForwardPage {
    try guarded { () throws(SQLiteError) in
      var builder = try ForwardPageBuilder(self)
      var walk = ForwardWalk(position)
      var select = try connection.prepare(
        """
        SELECT segments.id, segment_extents.last_arrival, segments.received, raw_size
        FROM segment_extents JOIN segments ON segments.id = segment_extents.segment
        WHERE segment_extents.last_arrival > ?1 ORDER BY segment_extents.last_arrival
        """)
      try select.bind(position.cursor, at: 1)
      var scanned: Int64 = 0
      while builder.keptBytes < limits.keptBytes, scanned < limits.scannedBytes {
        guard let segment = try select.step({ (row: borrowing Row) in ForwardWalk.Segment(row) }) else {
          try finish(&builder, &walk, isWanted)
          builder.page.reachesEnd = true
          break
        }
        scanned += segment.rawSize
        try builder.add(segment, &walk, self, isWanted)
      }
      select.reset()
      builder.page.end = walk.end
      if forwarder != 0 { builder.page.newestOutboxEntry = try newestOutboxEntry(of: forwarder) }
      return builder.page
    }
  }

  /// Reads the segment that is still open; then the page reaches to the end of the store.
  private func finish(
    _ builder: inout ForwardPageBuilder, _ walk: inout ForwardWalk, _ isWanted: (ForwardSpan) -> Bool
  ) throws(SQLiteError) {
    var select = try connection.prepare(
      "SELECT segment, last_arrival, received, 0 FROM segment_parts ORDER BY offset DESC LIMIT 1")
    if let open = try select.first({ (row: borrowing Row) in ForwardWalk.Segment(row) }), open.lastArrival > walk.end {
      try builder.add(open, &walk, self, isWanted)
    }
    walk.finish(at: try connection.integer("SELECT last_arrival FROM counters") ?? walk.end, &builder.page)
  }

  private func newestOutboxEntry(of forwarder: Int64) throws(SQLiteError) -> Int64 {
    try connection.integer("SELECT coalesce(max(id), 0) FROM forward_outbox WHERE forwarder = \(forwarder)") ?? 0
  }

  func outbox(
    of forwarder: Int64, upTo cursor: Int64, limit: Int, isWanted: (ForwardSpan) -> Bool
  ) throws(StoreError) -> ForwardPage {
    try guarded { () throws(SQLiteError) in
      var builder = try ForwardPageBuilder(self)
      builder.page.end = 0
      for entry in try ForwardOutboxEntry.first(limit, of: forwarder, upTo: cursor, connection) {
        try builder.add(entry, self, isWanted)
        builder.page.end = entry.id
      }
      return builder.page
    }
  }

  func lastArrival() throws(StoreError) -> Int64 {
    try guarded { () throws(SQLiteError) in try connection.integer("SELECT last_arrival FROM counters") ?? 0 }
  }

  func segments(of arrivals: ClosedRange<Int64>, after: Int64) throws(StoreError) -> [Int64] {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT id FROM (
          SELECT segments.id, segment_extents.last_arrival
          FROM segment_extents JOIN segments ON segments.id = segment_extents.segment
          WHERE segment_extents.last_arrival >= ?1 AND first_arrival <= ?2 AND segments.id > ?3
          UNION ALL
          SELECT segment, max(last_arrival) FROM segment_parts
          WHERE segment > ?3 GROUP BY segment HAVING max(last_arrival) >= ?1 AND min(first_arrival) <= ?2
        ) ORDER BY last_arrival
        """)
      try select.bind(arrivals.lowerBound, at: 1)
      try select.bind(arrivals.upperBound, at: 2)
      try select.bind(after, at: 3)
      var found: [Int64] = []
      try select.forEach { (row: borrowing Row) in found.append(row.int(at: 0)) }
      return found
    }
  }

  func page(
    ofSegments wanted: ArraySlice<Int64>, in arrivals: ClosedRange<Int64>, keptBytes: Int,
    isWanted: (ForwardSpan) -> Bool
  ) throws(StoreError) -> ForwardPage {
    try guarded { () throws(SQLiteError) in
      var builder = try ForwardPageBuilder(self)
      var scanned = 0
      builder.page.end = Int64(wanted.startIndex)
      for index in wanted.indices where scanned < keptBytes {
        var walk = ForwardWalk(arrivals)
        scanned += try builder.add(ForwardWalk.Segment(id: wanted[index]), &walk, self, isWanted)
        builder.page.end = Int64(index + 1)
      }
      return builder.page
    }
  }
}
