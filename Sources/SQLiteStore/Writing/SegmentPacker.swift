import Compression
import SQLite
import Telemetry

/// Writes the log: a row for each segment that came compressed, and one for several small requests together.
///
/// Segments are valid messages and stay so when they are joined. Small requests are compressed together because
/// their resources, scopes and texts repeat each other.
struct SegmentPacker: ~Copyable {
  /// Where a draft begins in its segment.
  struct Place: Hashable {
    var segment: Int64
    var start: Int
  }

  /// How large a segment of joined requests becomes.
  private static let capacity = 64 << 10

  /// How large the last segment may be and still be joined by the requests of the next transaction.
  ///
  /// It is compressed anew each time, and whoever reads one of its spans reads all of them.
  private static let tailCapacity = 16 << 10

  /// How long the last segment is joined by more requests, in nanoseconds: all its spans have one time of arrival.
  private static let tailAge: Int64 = 10_000_000_000

  /// zstd's fastest regular level; higher ones gained little for twice the time.
  static let level = 1

  /// What will be one row.
  private struct Open {
    var id: Int64
    var received: Int64
    var bytes: [UInt8] = []
    var compressed: [UInt8] = []
    var firstArrival: Int64 = 0
    var lastArrival: Int64 = 0
    var spans: Int64 = 0
    /// How many of them an earlier transaction has written.
    var writtenSpans: Int64 = 0
  }

  private var insert: Statement
  private var update: Statement
  private let compressor: SegmentCompressor
  private var frame: [UInt8] = []
  private var open: Open?
  private var lastID: Int64

  init(_ connection: borrowing Connection, lastID: Int64) throws {
    let insert = try connection.prepare("INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)")
    let update = try connection.prepare(
      """
      UPDATE segments SET first_arrival = ?2, last_arrival = ?3, received = ?4, live = live + ?5 - spans, spans = ?5,
        raw_size = ?6, codec = ?7, payload = ?8
      WHERE id = ?1
      """)
    let compressor = try SegmentCompressor()
    self.lastID = lastID
    self.insert = insert
    self.update = update
    self.compressor = compressor
  }

  /// The highest id that was given out.
  var lastSegment: Int64 { lastID }

  /// Leaves out an id.
  mutating func skipID() { lastID += 1 }

  /// Makes room for a draft, whose spans are stored next.
  mutating func begin(_ draft: SegmentDraft, received: Int64) throws -> Place {
    if open != nil, !isJoined(by: draft, received: received) { try finish() }
    if open == nil {
      lastID += 1
      open = Open(id: lastID, received: received, compressed: draft.compressed)
    }
    let place = Place(segment: open!.id, start: open!.bytes.count)
    if place.start == 0 {
      open!.bytes = draft.bytes
    } else {
      open!.bytes.append(contentsOf: draft.bytes)
    }
    return place
  }

  private func isJoined(by draft: SegmentDraft, received: Int64) -> Bool {
    guard let open, open.compressed.isEmpty, draft.compressed.isEmpty else { return false }
    let isWritten = open.writtenSpans > 0
    if isWritten && abs(received - open.received) > Self.tailAge { return false }
    return open.bytes.count + draft.bytes.count <= (isWritten ? Self.tailCapacity : Self.capacity)
  }

  /// Counts a span of the draft that was begun last.
  mutating func count(arrival: Int64) {
    if open!.spans == 0 { open!.firstArrival = arrival }
    open!.lastArrival = arrival
    open!.spans += 1
  }

  /// The bytes of a segment that is not written yet.
  func bytes(of segment: Int64) -> [UInt8]? {
    open?.id == segment ? open?.bytes : nil
  }

  /// Writes what is open at the end of a transaction.
  ///
  /// A small segment stays open: single spans of the next transactions join it, because alone they would hardly
  /// compress. What was written of it never changes, so a reader that has seen less of it has seen no less than it knows.
  mutating func commit() throws {
    guard let segment = open else { return }
    try finish()
    // Spans that were there before have left bytes that nobody refers to; nothing joins those.
    guard segment.compressed.isEmpty, segment.bytes.count < Self.tailCapacity, segment.spans > segment.writtenSpans
    else { return }
    open = segment
    open?.writtenSpans = segment.spans
  }

  /// Writes the segment that is open, and closes it.
  ///
  /// Nothing is written when all of its spans were there before.
  private mutating func finish() throws {
    guard let segment = open.take(), segment.spans > segment.writtenSpans else { return }
    var codec: Int64 = 1
    if segment.compressed.isEmpty {
      try compressor.compress(segment.bytes.span, level: Self.level, into: &frame)
      if frame.count >= segment.bytes.count { codec = 0 }
    }
    let payload = codec == 0 ? segment.bytes : segment.compressed.isEmpty ? frame : segment.compressed
    if segment.writtenSpans == 0 {
      try Self.write(segment, codec, payload, &insert)
    } else {
      try Self.write(segment, codec, payload, &update)
    }
  }

  private static func write(_ segment: Open, _ codec: Int64, _ payload: [UInt8], _ statement: inout Statement) throws {
    try statement.bind(segment.id, at: 1)
    try statement.bind(segment.firstArrival, at: 2)
    try statement.bind(segment.lastArrival, at: 3)
    try statement.bind(segment.received, at: 4)
    try statement.bind(segment.spans, at: 5)
    try statement.bind(Int64(segment.bytes.count), at: 6)
    try statement.bind(codec, at: 7)
    // `run` resets the statement, so the bytes are needed no longer than this call.
    try unsafe payload.withUnsafeBufferPointer { bytes in
      try unsafe statement.bindBlobWithoutCopy(bytes, at: 8)
      try statement.run()
    }
  }
}
