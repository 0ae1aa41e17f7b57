import Compression
import OTLP
import Protobuf
import SQLite
import Telemetry
import TraceStore

/// Reads spans out of segments and puts them into new ones, for the writer to move them.
final class SegmentRewriter {
  /// A span of the index that is to be moved.
  struct Row {
    var move: RewrittenSegment.Move
    var attempt: Int64
  }

  /// Bytes of a segment that holds the spans of one attempt, before compression.
  ///
  /// Agents repeat their whole history in every call: the further back the compressor sees, the less of it is kept. Who reads
  /// one span of such a segment reads all of it, which takes some 3 ms.
  static let packedSize = 4 << 20
  /// Bytes of a segment that gathers what is left of others.
  static let gatheredSize = 64 << 10

  private var segments: SegmentCache
  private var selectInSegment: Statement
  private var selectReceived: Statement
  private var traces: TraceFinder
  private let gathering: SegmentCompressor

  init(_ connection: borrowing Connection, recent: RecentTraces?) throws {
    let segments = try SegmentCache(connection, capacity: 4 << 20)
    let selectInSegment = try connection.prepare(
      """
      SELECT span_id, variant, arrival, start, offset, attempt FROM spans
      WHERE trace = ?1 AND span_id = ?2 AND segment = ?3 AND offset = ?4
      """)
    let selectReceived = try connection.prepare("SELECT received FROM segment_extents WHERE segment = ?1")
    let traces = try TraceFinder(connection, recent: recent)
    gathering = try SegmentCompressor()
    self.segments = segments
    self.selectInSegment = selectInSegment
    self.selectReceived = selectReceived
    self.traces = traces
  }

  /// The spans of a segment that the index still has there.
  func rows(of segment: Int64) throws -> [Row] {
    guard let bytes = try segments.bytes(of: segment, reaching: 0) else { return [] }
    var rows: [Row] = []
    var lastTrace: (id: TraceID, row: Int64?)?
    for place in try SegmentSpans.list(bytes.span) {
      if lastTrace?.id != place.traceID { lastTrace = (place.traceID, try traces.row(of: place.traceID)) }
      guard let trace = lastTrace?.row else { continue }
      try selectInSegment.bind(trace, at: 1)
      try selectInSegment.bind(Int64(bitPattern: place.spanID.value), at: 2)
      try selectInSegment.bind(segment, at: 3)
      try selectInSegment.bind(Int64(place.span.lowerBound), at: 4)
      let found = try selectInSegment.first { (row: borrowing SQLite.Row) in
        Row(
          move: RewrittenSegment.Move(
            key: SpanKey(trace: trace, spanID: row.int(at: 0), variant: row.int(at: 1)), arrival: row.int(at: 2),
            start: UInt64(bitPattern: row.int(at: 3)), segment: segment, offset: Int(row.int(at: 4)), newOffset: 0),
          attempt: row.int(at: 5))
      }
      if let found { rows.append(found) }
    }
    return rows
  }

  /// Puts spans into new segments, in the order in which they are given.
  ///
  /// - Parameters:
  ///   - isPacked: Whether they belong together, and go into large segments with a long window.
  ///   - strips: Whether a span is to lose its prompts and completions.
  /// - Returns: The segments, and how many spans have lost something.
  func rewrite(
    _ moves: [RewrittenSegment.Move], isPacked: Bool, isStripped: Bool = false, strips: (Int) -> Bool = { _ in false }
  ) throws -> (segments: [RewrittenSegment], stripped: Int) {
    var result: [RewrittenSegment] = []
    var builder = SegmentBuilder()
    var added: [RewrittenSegment.Move] = []
    var walkers: [Int64: SegmentWalker] = [:]
    var stripped = 0
    let capacity = isPacked ? Self.packedSize : Self.gatheredSize
    for (index, move) in moves.enumerated() {
      guard let bytes = try segments.bytes(of: move.segment, reaching: move.offset) else { continue }
      var walker = walkers[move.segment] ?? SegmentWalker()
      guard let range = try walker.find(move.offset, in: bytes.span) else { continue }
      walkers[move.segment] = walker
      if walkers.count > 64 { walkers.removeAll() }
      let span = bytes.span.extracting(range)
      if strips(index), let without = try PayloadStripper.strip(span) {
        stripped += 1
        try Self.add(without.span, move, bytes.span, walker, &builder)
      } else {
        try Self.add(span, move, bytes.span, walker, &builder)
      }
      added.append(move)
      guard builder.byteCount >= capacity else { continue }
      result.append(try close(builder, added, isStripped: isStripped))
      builder = SegmentBuilder()
      added = []
    }
    if !added.isEmpty { result.append(try close(builder, added, isStripped: isStripped)) }
    return (result, stripped)
  }

  private static func add(
    _ span: Span<UInt8>, _ move: RewrittenSegment.Move, _ source: Span<UInt8>, _ walker: SegmentWalker,
    _ builder: inout SegmentBuilder
  ) throws(ProtobufError) {
    try builder.append(
      span, from: move.segment, source, resourceSpans: walker.resourceSpans, scopeSpans: walker.scopeSpans)
  }

  private func close(
    _ builder: consuming SegmentBuilder, _ moves: [RewrittenSegment.Move], isStripped: Bool
  ) throws -> RewrittenSegment {
    let (bytes, offsets) = builder.finish()
    var frame: [UInt8] = []
    let isLarge = bytes.count > 2 * Self.gatheredSize
    // The memory of the long window, some 20 MB, is not kept between the times that it is needed.
    let compressor = isLarge ? try SegmentCompressor(windowLog: 22) : gathering
    try compressor.compress(bytes.span, level: isLarge ? 6 : 3, into: &frame)
    let isSmaller = frame.count < bytes.count
    var moves = moves
    for index in moves.indices { moves[index].newOffset = offsets[index] }
    return RewrittenSegment(
      payload: isSmaller ? frame : bytes, rawSize: bytes.count, codec: isSmaller ? 1 : 0,
      received: try lastReceived(of: moves), isStripped: isStripped, moves: moves)
  }

  private func lastReceived(of moves: [RewrittenSegment.Move]) throws(SQLiteError) -> Int64 {
    var last: Int64 = 0
    for segment in Set(moves.map(\.segment)) {
      try selectReceived.bind(segment, at: 1)
      last = max(last, try selectReceived.first { (row: borrowing SQLite.Row) in row.int(at: 0) } ?? 0)
    }
    return last
  }
}
