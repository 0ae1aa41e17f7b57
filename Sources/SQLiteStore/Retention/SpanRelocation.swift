import SQLite
import TraceStore

/// A segment that was made of spans of others.
struct RewrittenSegment: Sendable {
  /// A span that moves into it.
  struct Move: Sendable {
    var key: SpanKey
    var arrival: Int64
    var start: UInt64
    /// Where it is.
    var segment: Int64
    var offset: Int
    /// Where it will be.
    var newOffset: Int
  }

  /// As the log keeps it.
  var payload: [UInt8]
  var rawSize: Int
  /// 0 as it is, 1 zstd.
  var codec: Int64
  /// When the last of its spans came, nanoseconds since 1970.
  var received: Int64
  /// Whether the spans have lost their prompts and completions.
  var isStripped: Bool
  var moves: [Move]
}

/// Moves spans into other segments, inside the writer's transaction.
struct SpanRelocation: ~Copyable {
  private var move: Statement
  private var insert: Statement
  private var insertExtent: Statement
  private var markPacked: Statement
  private var markStripped: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let move = try connection.prepare(
      """
      UPDATE spans SET segment = ?6, offset = ?7
      WHERE trace = ?1 AND span_id = ?2 AND variant = ?3 AND segment = ?4 AND offset = ?5
      """)
    let insert = try connection.prepare("INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)")
    let insertExtent = try connection.prepare("INSERT INTO segment_extents VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
    let markPacked = try connection.prepare("UPDATE attempts SET packed = ?2 WHERE id = ?1")
    let markStripped = try connection.prepare("UPDATE segment_extents SET is_stripped = 1 WHERE segment = ?1")
    self.move = move
    self.insert = insert
    self.insertExtent = insertExtent
    self.markPacked = markPacked
    self.markStripped = markStripped
  }

  /// Writes a segment, and moves the spans into it that are still where they were.
  ///
  /// - Parameter id: A number that no segment has had: readers remember segments by theirs.
  /// - Returns: How many have moved.
  mutating func apply(
    _ segment: RewrittenSegment, as id: Int64, _ losses: inout SegmentLosses, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Int {
    var moved = 0
    for span in segment.moves {
      try move.bind(span.key.trace, at: 1)
      try move.bind(span.key.spanID, at: 2)
      try move.bind(span.key.variant, at: 3)
      try move.bind(span.segment, at: 4)
      try move.bind(Int64(span.offset), at: 5)
      try move.bind(id, at: 6)
      try move.bind(Int64(span.newOffset), at: 7)
      try move.run()
      guard connection.changes == 1 else { continue }
      moved += 1
      losses.add(span.segment)
    }
    guard moved > 0 else { return 0 }
    try write(segment, id, gone: segment.moves.count - moved)
    return moved
  }

  private mutating func write(_ segment: RewrittenSegment, _ id: Int64, gone: Int) throws(SQLiteError) {
    let arrivals = segment.moves.map(\.arrival)
    let starts = segment.moves.map { Int64(clamping: $0.start) }
    try insert.bind(id, at: 1)
    try insert.bind(arrivals.min() ?? 0, at: 2)
    try insert.bind(arrivals.max() ?? 0, at: 3)
    try insert.bind(segment.received, at: 4)
    try insert.bind(Int64(segment.moves.count), at: 5)
    try insert.bind(Int64(segment.rawSize), at: 6)
    try insert.bind(segment.codec, at: 7)
    try insert.bind(segment.payload.span, at: 8)
    try insert.run()
    try insertExtent.bind(id, at: 1)
    try insertExtent.bind(arrivals.max() ?? 0, at: 2)
    try insertExtent.bind(segment.received, at: 3)
    try insertExtent.bind(starts.min(), at: 4)
    try insertExtent.bind(starts.max(), at: 5)
    try insertExtent.bind(Int64(segment.moves.count), at: 6)
    try insertExtent.bind(Int64(gone), at: 7)
    try insertExtent.bind(segment.isStripped ? Int64(1) : 0, at: 8)
    try insertExtent.run()
  }

  /// Notes that the spans of an attempt lie together, as far as they had come by then.
  mutating func markPacked(_ attempt: Int64, lastArrival: Int64) throws(SQLiteError) {
    try markPacked.run(.integer(attempt), .integer(lastArrival))
  }

  /// Notes that a segment has no spans that are to lose their prompts and completions.
  mutating func markStripped(_ segment: Int64) throws(SQLiteError) { try markStripped.run(.integer(segment)) }
}
