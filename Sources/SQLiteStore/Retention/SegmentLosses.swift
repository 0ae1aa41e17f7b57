import SQLite

/// Counts spans that leave their segments, and drops segments that nothing is left of.
struct SegmentLosses: ~Copyable {
  private var losses: [Int64: Int64] = [:]
  /// What came last: neighbours mostly lie in the same segment.
  private var last: (segment: Int64, count: Int64) = (0, 0)
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
  mutating func add(_ segment: Int64) {
    if segment != last.segment { finishLast(next: segment) }
    last.count += 1
  }

  private mutating func finishLast(next: Int64 = 0) {
    if last.count > 0 { losses[last.segment, default: 0] += last.count }
    last = (next, 0)
  }

  /// Writes what was noted.
  ///
  /// - Parameter packer: Holds the segment that is still open, which goes into the log first when it has lost spans.
  mutating func save(_ packer: inout SegmentPacker, _ connection: borrowing Connection) throws {
    finishLast()
    if losses.isEmpty { return }
    // In the order of their rows, so that neighbours are on pages that are at hand.
    for (segment, count) in losses.sorted(by: { $0.key < $1.key }) {
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
