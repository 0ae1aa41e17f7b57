import SQLite
import Telemetry
import TraceStore

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
    /// The segment that is not written yet, and where it starts in its bytes.
    var segment: Int64
    var offset: Int
  }

  enum Finding {
    case duplicate(variant: Int64)
    /// A different span; the number that it gets.
    case different(variant: Int64)
  }

  private var findLast: Statement
  private var findByHash: Statement
  private var insertHash: Statement
  private var findSpan: Statement
  private var cache: SegmentCache
  private var candidates: ContentsReader
  private var stored: ContentsReader

  init(_ connection: borrowing Connection) throws {
    // One step down the key: counting them would cost the square of many variants.
    let findLast = try connection.prepare(
      "SELECT variant FROM spans WHERE trace = ?1 AND span_id = ?2 ORDER BY variant DESC LIMIT 1")
    let findByHash = try connection.prepare(
      "SELECT variant FROM span_variants WHERE trace = ?1 AND span_id = ?2 AND hash = ?3 ORDER BY variant")
    let insertHash = try connection.prepare("INSERT OR IGNORE INTO span_variants VALUES(?1, ?2, ?3, ?4)")
    let findSpan = try connection.prepare(
      "SELECT segment, offset FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
    let cache = try SegmentCache(connection, capacity: 1 << 20)
    let seed = try connection.integer("SELECT salt_low FROM store") ?? 0
    candidates = ContentsReader(seed: UInt64(bitPattern: seed))
    stored = candidates
    self.findLast = findLast
    self.findByHash = findByHash
    self.insertHash = insertHash
    self.findSpan = findSpan
    self.cache = cache
  }

  /// Compares a span with all that are stored under its ids.
  ///
  /// - Parameter packer: Holds the bytes of the segment that is not written yet.
  mutating func check(_ candidate: Candidate, _ packer: borrowing SegmentPacker) throws -> Finding {
    guard let bytes = packer.bytes(of: candidate.segment),
      let contents = try candidates.contents(of: candidate.offset, in: bytes, segment: candidate.segment)
    else { throw StoreError(.refused, "a span cannot be read back") }
    try Self.bindKey(&findLast, candidate)
    let last = try findLast.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    // The hash of the first span is not kept before there is a second one.
    if last == 0 {
      let first = try storedContents(candidate, variant: 0, packer)
      if let first, isRepeat(contents, of: first) { return .duplicate(variant: 0) }
      if let first, try isRepeat(candidate, in: bytes, ofStripped: first) { return .duplicate(variant: 0) }
      try insert(candidate, hash: first?.hash ?? stored.emptyHash, variant: 0)
      try insert(candidate, hash: contents.hash, variant: 1)
      return .different(variant: 1)
    }
    for variant in try variants(candidate, hash: contents.hash) {
      let other = try storedContents(candidate, variant: variant, packer)
      if let other, isRepeat(contents, of: other) { return .duplicate(variant: variant) }
      if let other, try isRepeat(candidate, in: bytes, ofStripped: other) { return .duplicate(variant: variant) }
    }
    try insert(candidate, hash: contents.hash, variant: last + 1)
    return .different(variant: last + 1)
  }

  /// Forgets what it knows of segments that are not in the log yet.
  mutating func forgetOpenSegment() {
    candidates.forget()
    stored.forget()
  }

  private mutating func isRepeat(_ contents: ContentsReader.Contents, of other: ContentsReader.Contents) -> Bool {
    guard contents.equals(other) else { return false }
    stored.share(contents.envelope)
    return true
  }

  /// Whether a span is one that has lost its prompts and completions since it came.
  private mutating func isRepeat(
    _ candidate: Candidate, in bytes: [UInt8], ofStripped other: ContentsReader.Contents
  ) throws -> Bool {
    guard other.isStripped else { return false }
    let stripped = try candidates.contents(
      of: candidate.offset, in: bytes, segment: candidate.segment, withoutPayload: true)
    return stripped.map { isRepeat($0, of: other) } ?? false
  }

  private mutating func variants(_ candidate: Candidate, hash: UInt64) throws(SQLiteError) -> [Int64] {
    var variants: [Int64] = []
    try Self.bindKey(&findByHash, candidate)
    try findByHash.bind(Int64(bitPattern: hash), at: 3)
    try findByHash.forEach { (row: borrowing Row) in variants.append(row.int(at: 0)) }
    return variants
  }

  private static func bindKey(_ statement: inout Statement, _ candidate: Candidate) throws(SQLiteError) {
    try statement.bind(candidate.trace, at: 1)
    try statement.bind(Int64(bitPattern: candidate.spanID.value), at: 2)
  }

  private mutating func insert(_ candidate: Candidate, hash: UInt64, variant: Int64) throws(SQLiteError) {
    try Self.bindKey(&insertHash, candidate)
    try insertHash.bind(Int64(bitPattern: hash), at: 3)
    try insertHash.bind(variant, at: 4)
    try insertHash.run()
  }

  /// The contents of a stored span; `nil` when its bytes cannot be found.
  private mutating func storedContents(
    _ candidate: Candidate, variant: Int64, _ packer: borrowing SegmentPacker
  ) throws -> ContentsReader.Contents? {
    try Self.bindKey(&findSpan, candidate)
    try findSpan.bind(variant, at: 3)
    let found = try findSpan.first { (row: borrowing Row) in (row.int(at: 0), Int(row.int(at: 1))) }
    guard let (segment, offset) = found else { return nil }
    guard let bytes = try packer.bytes(of: segment) ?? cache.bytes(of: segment, reaching: offset) else { return nil }
    return try stored.contents(of: offset, in: bytes, segment: segment)
  }
}
