import SQLite

/// Counts spans that leave their segments, and drops segments that nothing is left of.
struct SegmentLosses: ~Copyable {
  private var losses: [Int64: Int64] = [:]
  private var update: Statement
  private var removePayload: Statement
  private var removeExtent: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let update = try connection.prepare(
      "UPDATE segment_extents SET gone = gone + ?2 WHERE segment = ?1 RETURNING gone >= spans")
    let removePayload = try connection.prepare("DELETE FROM segments WHERE id = ?1")
    let removeExtent = try connection.prepare("DELETE FROM segment_extents WHERE segment = ?1")
    self.update = update
    self.removePayload = removePayload
    self.removeExtent = removeExtent
  }

  /// Notes that a span has left a segment.
  mutating func add(_ segment: Int64) { losses[segment, default: 0] += 1 }

  /// Writes what was noted.
  ///
  /// - Parameter packer: Holds the segment that is still open, which goes into the log first when it has lost spans.
  mutating func save(_ packer: inout SegmentPacker) throws {
    if losses.isEmpty { return }
    for (segment, count) in losses {
      try packer.settle(segment)
      try update.bind(segment, at: 1)
      try update.bind(count, at: 2)
      let isDead = try update.first { (row: borrowing Row) in row.int(at: 0) == 1 }
      guard isDead == true else { continue }
      try removePayload.run(.integer(segment))
      try removeExtent.run(.integer(segment))
    }
    losses.removeAll(keepingCapacity: true)
  }
}
