import SQLite

/// Counts spans that leave their segments, and drops segments that nothing is left of.
struct SegmentLosses: ~Copyable {
  private var losses: [Int64: Int64] = [:]
  private var update: Statement
  private var removePayload: Statement
  private var removeExtent: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let removeExtent = try connection.prepare(
      "DELETE FROM segment_extents WHERE segment = ?1 AND gone + ?2 >= spans")
    let removePayload = try connection.prepare("DELETE FROM segments WHERE id = ?1")
    let update = try connection.prepare("UPDATE segment_extents SET gone = gone + ?2 WHERE segment = ?1")
    self.update = update
    self.removePayload = removePayload
    self.removeExtent = removeExtent
  }

  /// Notes that a span has left a segment.
  mutating func add(_ segment: Int64) { losses[segment, default: 0] += 1 }

  /// Writes what was noted.
  ///
  /// - Parameter packer: Holds the segment that is still open, which goes into the log first when it has lost spans.
  mutating func save(_ packer: inout SegmentPacker, _ connection: borrowing Connection) throws {
    if losses.isEmpty { return }
    for (segment, count) in losses {
      try packer.settle(segment)
      // Most lose all of their spans at once, and one that is dead need not be counted before it goes.
      try removeExtent.run(.integer(segment), .integer(count))
      if connection.changes == 0 {
        try update.run(.integer(segment), .integer(count))
      } else {
        try removePayload.run(.integer(segment))
      }
    }
    losses.removeAll(keepingCapacity: true)
  }
}
