import SQLite
import Telemetry

/// Decides what a span is whose ids are taken: the same span again, or a different one.
///
/// Contents are compared decoded, so that a span that comes once as protobuf and once as JSON is one span. From the
/// second span under the same ids on, a hash of the contents finds the candidates, so that many of them do not cost
/// their square.
struct DuplicateCheck: ~Copyable {
  /// The span that came.
  struct Candidate {
    var trace: Int64
    var spanID: SpanID
    /// Its draft's bytes and where it starts in them.
    var bytes: [UInt8]
    var offset: Int
    /// Where the draft goes, which no other draft does.
    var place: SegmentPacker.Place
  }

  enum Finding {
    case duplicate(variant: Int64)
    /// A different span; the number that it gets.
    case different(variant: Int64)
  }

  private var nextVariant: Statement
  private var findByHash: Statement
  private var insertHash: Statement
  private var findSpan: Statement
  private var cache: SegmentCache
  /// Reads the draft at `place`.
  private var candidates = SpanContentsReader()
  private var place: SegmentPacker.Place?
  /// Reads the segment of the span that was compared last.
  private var stored = SpanContentsReader()
  private var segment: Int64 = 0

  init(_ connection: borrowing Connection) throws {
    let nextVariant = try connection.prepare(
      "SELECT coalesce(max(variant) + 1, 0) FROM span_variants WHERE trace = ?1 AND span_id = ?2")
    let findByHash = try connection.prepare(
      "SELECT variant FROM span_variants WHERE trace = ?1 AND span_id = ?2 AND hash = ?3 ORDER BY variant")
    let insertHash = try connection.prepare("INSERT INTO span_variants VALUES(?1, ?2, ?3, ?4)")
    let findSpan = try connection.prepare(
      "SELECT segment, offset FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
    let cache = try SegmentCache(connection, capacity: 1 << 20)
    self.nextVariant = nextVariant
    self.findByHash = findByHash
    self.insertHash = insertHash
    self.findSpan = findSpan
    self.cache = cache
  }

  /// Compares a span with all that are stored under its ids.
  ///
  /// - Parameter packer: Holds the bytes of the segment that is not written yet.
  mutating func check(_ candidate: Candidate, _ packer: borrowing SegmentPacker) throws -> Finding {
    if place != candidate.place {
      candidates = SpanContentsReader()
      place = candidate.place
    }
    guard let contents = try candidates.contents(at: candidate.offset, in: candidate.bytes) else {
      throw SQLiteError(code: .corrupt, operation: "compare", message: "a draft does not hold its span")
    }
    try Self.bindKey(&nextVariant, candidate)
    let next = try nextVariant.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    if next == 0 {
      let first = try storedContents(candidate, variant: 0, packer)
      if first?.isEqual(to: contents) == true { return .duplicate(variant: 0) }
      if let first { try insert(candidate, hash: first.hash, variant: 0) }
      try insert(candidate, hash: contents.hash, variant: 1)
      return .different(variant: 1)
    }
    let hash = contents.hash
    var variants: [Int64] = []
    try Self.bindKey(&findByHash, candidate)
    try findByHash.bind(hash, at: 3)
    try findByHash.forEach { (row: borrowing Row) in variants.append(row.int(at: 0)) }
    for variant in variants {
      let known = try storedContents(candidate, variant: variant, packer)
      if known?.isEqual(to: contents) == true { return .duplicate(variant: variant) }
    }
    try insert(candidate, hash: hash, variant: next)
    return .different(variant: next)
  }

  private static func bindKey(_ statement: inout Statement, _ candidate: Candidate) throws(SQLiteError) {
    try statement.bind(candidate.trace, at: 1)
    try statement.bind(Int64(bitPattern: candidate.spanID.value), at: 2)
  }

  private mutating func insert(_ candidate: Candidate, hash: Int64, variant: Int64) throws(SQLiteError) {
    try Self.bindKey(&insertHash, candidate)
    try insertHash.bind(hash, at: 3)
    try insertHash.bind(variant, at: 4)
    try insertHash.run()
  }

  /// The contents of a stored span; `nil` when its bytes cannot be found.
  private mutating func storedContents(
    _ candidate: Candidate, variant: Int64, _ packer: borrowing SegmentPacker
  ) throws -> SpanContents? {
    try Self.bindKey(&findSpan, candidate)
    try findSpan.bind(variant, at: 3)
    let found = try findSpan.first { (row: borrowing Row) in (row.int(at: 0), Int(row.int(at: 1))) }
    guard let (segment, offset) = found else { return nil }
    guard let bytes = try packer.bytes(of: segment) ?? cache.bytes(of: segment) else { return nil }
    if self.segment != segment {
      stored = SpanContentsReader()
      self.segment = segment
    }
    return try stored.contents(at: offset, in: bytes)
  }
}
