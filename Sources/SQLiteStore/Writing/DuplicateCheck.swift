import OTLP
import Protobuf
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
    /// Its segment's bytes and where it starts in them.
    var bytes: [UInt8]
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

  init(_ connection: borrowing Connection) throws {
    // One step down the key: counting them would cost the square of many variants.
    let findLast = try connection.prepare(
      "SELECT variant FROM spans WHERE trace = ?1 AND span_id = ?2 ORDER BY variant DESC LIMIT 1")
    let findByHash = try connection.prepare(
      "SELECT variant FROM span_variants WHERE trace = ?1 AND span_id = ?2 AND hash = ?3 ORDER BY variant")
    let insertHash = try connection.prepare("INSERT INTO span_variants VALUES(?1, ?2, ?3, ?4)")
    let findSpan = try connection.prepare(
      "SELECT segment, offset FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
    let cache = try SegmentCache(connection, capacity: 1 << 20)
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
    let contents = try Self.contents(of: candidate.offset, in: candidate.bytes)
    try Self.bindKey(&findLast, candidate)
    let last = try findLast.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    // The hash of the first span is not kept before there is a second one.
    if last == 0 {
      let first = try storedContents(candidate, variant: 0, packer)
      if first == contents { return .duplicate(variant: 0) }
      try insert(candidate, hash: Self.hash(first), variant: 0)
      try insert(candidate, hash: Self.hash(contents), variant: 1)
      return .different(variant: 1)
    }
    let hash = Self.hash(contents)
    var variants: [Int64] = []
    try Self.bindKey(&findByHash, candidate)
    try findByHash.bind(hash, at: 3)
    try findByHash.forEach { (row: borrowing Row) in variants.append(row.int(at: 0)) }
    for variant in variants where try storedContents(candidate, variant: variant, packer) == contents {
      return .duplicate(variant: variant)
    }
    try insert(candidate, hash: hash, variant: last + 1)
    return .different(variant: last + 1)
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

  /// The contents of a stored span; empty when its bytes cannot be found, which equals nothing.
  private mutating func storedContents(
    _ candidate: Candidate, variant: Int64, _ packer: borrowing SegmentPacker
  ) throws -> [UInt8] {
    try Self.bindKey(&findSpan, candidate)
    try findSpan.bind(variant, at: 3)
    let found = try findSpan.first { (row: borrowing Row) in (row.int(at: 0), Int(row.int(at: 1))) }
    guard let (segment, offset) = found else { return [] }
    guard let bytes = try packer.bytes(of: segment) ?? cache.bytes(of: segment) else { return [] }
    return try Self.contents(of: offset, in: bytes)
  }

  /// Everything that is said of a span, in one form for each meaning.
  private static func contents(of offset: Int, in bytes: [UInt8]) throws(ProtobufError) -> [UInt8] {
    var walker = SegmentWalker()
    guard let span = try walker.find(offset, in: bytes.span) else { return [] }
    return try CanonicalSpan.bytes(
      resourceSpans: bytes.span.extracting(walker.resourceSpans),
      scopeSpans: bytes.span.extracting(walker.scopeSpans), span: bytes.span.extracting(span))
  }

  /// FNV-1a; only narrows down what is compared, so it need not resist anybody.
  private static func hash(_ bytes: [UInt8]) -> Int64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    return Int64(bitPattern: hash)
  }
}
