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

  /// What became of a transaction's bytes.
  enum Outcome {
    /// All of them are in one part, and nothing else was written.
    case wrotePart
    case wroteSegments
    /// Those behind the last segment were taken back, because all of their spans were there before.
    case tookBack
  }

  /// How large a segment of requests becomes that one transaction joins.
  private static let capacity = 64 << 10

  /// How large a segment becomes that the requests of many transactions join.
  ///
  /// Their spans are mostly of many rollouts, and whoever reads one of them reads the whole segment: with 64 KiB a rollout
  /// of 1,000 spans among 200 took 47 ms, with this 20 ms. Single spans of 600 bytes took 257 and 320 bytes on the disk.
  private static let partsCapacity = 16 << 10

  /// What a transaction adds to a segment, in bytes, from which on it is worth being compressed alone.
  ///
  /// Less is written as a part, so that single spans of many transactions share a segment.
  private static let worthCompressing = 16 << 10

  /// How long a segment is joined by more requests, in nanoseconds: all its spans have one time of arrival.
  private static let maximumAge: Int64 = 60_000_000_000

  /// zstd's fastest regular level; higher ones gained little for twice the time.
  static let level = 1

  private var insert: Statement
  private var insertExtent: Statement
  private var parts: SegmentParts
  private let compressor: SegmentCompressor
  private var frame: [UInt8] = []
  private var open: OpenSegment?
  private var lastID: Int64
  /// Whether the transaction has put a segment into the log.
  private var hasClosed = false

  /// Reads the segment that is open.
  init(_ connection: borrowing Connection, lastID: Int64) throws {
    let insert = try connection.prepare("INSERT INTO segments VALUES(?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)")
    let insertExtent = try connection.prepare("INSERT INTO segment_extents VALUES(?1, ?2, ?3, ?4, ?5, ?6, 0, 0)")
    let parts = try SegmentParts(connection)
    let compressor = try SegmentCompressor()
    open = try SegmentParts.load(connection)
    self.lastID = lastID
    self.insert = insert
    self.insertExtent = insertExtent
    self.parts = parts
    self.compressor = compressor
  }

  /// The highest id that was given out.
  var lastSegment: Int64 { lastID }

  /// Leaves out an id.
  mutating func skipID() { lastID += 1 }

  /// Gives out an id, for a segment that is made of others.
  mutating func takeID() -> Int64 {
    lastID += 1
    return lastID
  }

  /// Makes room for a draft, whose spans are stored next.
  mutating func begin(_ draft: SegmentDraft, received: Int64) throws -> Place {
    if let open, !Self.isJoined(open, by: draft, received: received) { try close() }
    if open == nil {
      lastID += 1
      open = OpenSegment(id: lastID, received: received)
      open!.compressed = draft.compressed
    }
    let place = Place(segment: open!.id, start: open!.bytes.count)
    if place.start == 0 {
      open!.bytes = draft.bytes
    } else {
      open!.bytes.append(contentsOf: draft.bytes)
    }
    return place
  }

  private static func isJoined(_ open: OpenSegment, by draft: SegmentDraft, received: Int64) -> Bool {
    open.compressed.isEmpty && draft.compressed.isEmpty && abs(received - open.received) <= maximumAge
      && open.bytes.count + draft.bytes.count <= (open.written.bytes > 0 ? partsCapacity : capacity)
  }

  /// Puts a segment into the log that is still open, so that its spans can be deleted.
  mutating func settle(_ segment: Int64) throws {
    if open?.id == segment { try close() }
  }

  /// Counts a span of the draft that was begun last.
  mutating func count(arrival: Int64, start: UInt64) { open!.count(arrival: arrival, start: start) }

  /// The bytes of a segment that is not in the log yet.
  func bytes(of segment: Int64) -> [UInt8]? {
    open?.id == segment ? open?.bytes : nil
  }

  /// Writes what is open at the end of a transaction.
  ///
  /// A small segment stays open. What was written of it never changes, so a reader that has seen less of it has seen no
  /// less than it knows.
  mutating func commit() throws -> Outcome {
    defer { hasClosed = false }
    guard let segment = open else { return .wroteSegments }
    if !segment.hasNewSpans {
      if segment.spans == 0 { open = nil } else { open!.dropUnwritten() }
      return .tookBack
    }
    guard segment.compressed.isEmpty, segment.unwrittenBytes < Self.worthCompressing else {
      try close()
      return .wroteSegments
    }
    try parts.append(segment)
    open!.didWrite()
    return hasClosed ? .wroteSegments : .wrotePart
  }

  /// Puts the open segment into the log.
  ///
  /// Nothing is written when all of its spans were there before.
  private mutating func close() throws {
    guard let segment = open.take(), segment.spans > 0 else { return }
    hasClosed = true
    if segment.written.bytes > 0 { try parts.removeAll() }
    var codec: Int64 = 1
    if segment.compressed.isEmpty {
      try compressor.compress(segment.bytes.span, level: Self.level, into: &frame)
      if frame.count >= segment.bytes.count { codec = 0 }
    }
    try write(segment, codec, codec == 0 ? segment.bytes : segment.compressed.isEmpty ? frame : segment.compressed)
  }

  private mutating func write(_ segment: OpenSegment, _ codec: Int64, _ payload: [UInt8]) throws {
    try insert.bind(segment.id, at: 1)
    try insert.bind(segment.firstArrival, at: 2)
    try insert.bind(segment.lastArrival, at: 3)
    try insert.bind(segment.received, at: 4)
    try insert.bind(segment.spans, at: 5)
    try insert.bind(Int64(segment.bytes.count), at: 6)
    try insert.bind(codec, at: 7)
    // `run` resets the statement, so the bytes are needed no longer than this call.
    try unsafe payload.withUnsafeBufferPointer { bytes in
      try unsafe insert.bindBlobWithoutCopy(bytes, at: 8)
      try insert.run()
    }
    try insertExtent.bind(segment.id, at: 1)
    try insertExtent.bind(segment.lastArrival, at: 2)
    try insertExtent.bind(segment.received, at: 3)
    try insertExtent.bind(segment.starts.map { Int64(clamping: $0.lowerBound) }, at: 4)
    try insertExtent.bind(segment.starts.map { Int64(clamping: $0.upperBound) }, at: 5)
    try insertExtent.bind(segment.spans, at: 6)
    try insertExtent.run()
  }
}
