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
  /// zstd's fastest regular level; higher ones gained little for twice the time.
  static let level = 1

  /// What will be one row.
  private struct Open {
    var id: Int64
    var bytes: [UInt8] = []
    var compressed: [UInt8] = []
    var firstArrival: Int64 = 0
    var lastArrival: Int64 = 0
    var spans: Int64 = 0
  }

  private var insert: Statement
  private let compressor: SegmentCompressor
  private var frame: [UInt8] = []
  private var open: Open?
  private var lastID: Int64

  init(_ connection: borrowing Connection, lastID: Int64) throws {
    let insert = try connection.prepare("INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)")
    let compressor = try SegmentCompressor()
    self.lastID = lastID
    self.insert = insert
    self.compressor = compressor
  }

  /// The highest id that was given out.
  var lastSegment: Int64 { lastID }

  /// Leaves out an id.
  mutating func skipID() { lastID += 1 }

  /// Makes room for a draft, whose spans are stored next.
  mutating func begin(_ draft: SegmentDraft, received: Int64) throws -> Place {
    let joins = draft.compressed.isEmpty && draft.bytes.count < Self.capacity
    if let current = open,
      !joins || current.bytes.count + draft.bytes.count > Self.capacity || !current.compressed.isEmpty
    {
      try finish(received: received)
    }
    if open == nil {
      lastID += 1
      open = Open(id: lastID, compressed: draft.compressed)
    }
    let place = Place(segment: lastID, start: open!.bytes.count)
    if place.start == 0 {
      open!.bytes = draft.bytes
    } else {
      open!.bytes.append(contentsOf: draft.bytes)
    }
    return place
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

  /// Writes the segment that is open.
  ///
  /// Nothing is written when all of its spans were there before.
  mutating func finish(received: Int64) throws {
    guard let segment = open.take(), segment.spans > 0 else { return }
    var codec: Int64 = 1
    if segment.compressed.isEmpty {
      try compressor.compress(segment.bytes.span, level: Self.level, into: &frame)
      if frame.count >= segment.bytes.count { codec = 0 }
    }
    try insert.bind(segment.id, at: 1)
    try insert.bind(segment.firstArrival, at: 2)
    try insert.bind(segment.lastArrival, at: 3)
    try insert.bind(received, at: 4)
    try insert.bind(segment.spans, at: 5)
    try insert.bind(Int64(segment.bytes.count), at: 6)
    try insert.bind(codec, at: 7)
    let payload = codec == 0 ? segment.bytes : segment.compressed.isEmpty ? frame : segment.compressed
    // `run` resets the statement, so the bytes are needed no longer than this call.
    try unsafe payload.withUnsafeBufferPointer { bytes in
      try unsafe insert.bindBlobWithoutCopy(bytes, at: 8)
      try insert.run()
    }
  }
}
