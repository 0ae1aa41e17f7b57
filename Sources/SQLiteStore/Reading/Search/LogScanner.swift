import OTLP
import Protobuf
import SQLite
import Telemetry
import TraceStore

/// Walks through the log from its end and shows it to a filter.
///
/// Times of spans tell which segments are read; the index tells which of the spans that were found are still stored, and
/// where they belong.
struct LogScanner: ~Copyable {
  private var openSegment: Statement
  private var before: Statement
  private var rows: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let openSegment = try connection.prepare("SELECT segment FROM segment_parts LIMIT 1")
    // Segments that were rewritten have ids of their own kind, so only their arrivals say how old they are.
    let before = try connection.prepare(
      """
      SELECT segment, last_arrival, first_start IS NULL OR first_start <= ?4 AND last_start >= ?3 FROM segment_extents
      WHERE last_arrival <= ?1 AND (last_arrival < ?1 OR segment < ?2)
      ORDER BY last_arrival DESC, segment DESC
      """)
    // Retention gives what it is deleting a rollout below 0.
    let rows = try connection.prepare(
      """
      SELECT attempt, sequence FROM spans
      WHERE trace = ?1 AND span_id = ?2 AND segment = ?3 AND offset = ?4
        AND (SELECT rollout FROM attempts WHERE id = attempt) >= 0
      """)
    self.openSegment = openSegment
    self.before = before
    self.rows = rows
  }

  /// Looks through the next part of the log.
  mutating func step<Filter: SpanFilter>(
    _ scan: inout LogScan, upTo bytes: Int, _ filter: inout Filter, _ traces: inout TraceFinder,
    _ segments: inout SegmentCache, _ attempts: AttemptGroups
  ) throws(SQLiteError) {
    let end = scan.byteCount + bytes
    if scan.place == .open {
      if let segment = try openSegment.first({ (row: borrowing Row) in row.int(at: 0) }) {
        try look(into: segment, &scan, &filter, &traces, &segments, attempts)
        if scan.isFinished { return }
      }
      scan.place = .before(arrival: .max, segment: .max)
    }
    guard case .before(let arrival, let segment) = scan.place else { return }
    try before.bind(arrival, at: 1)
    try before.bind(segment, at: 2)
    try before.bind(Int64(clamping: scan.starts.lowerBound), at: 3)
    try before.bind(Int64(clamping: scan.starts.upperBound), at: 4)
    defer { before.reset() }
    while let next = try before.step({ (row: borrowing Row) in (row.int(at: 0), row.int(at: 1), row.int(at: 2) != 0) })
    {
      let (segment, arrival, isWanted) = next
      if isWanted { try look(into: segment, &scan, &filter, &traces, &segments, attempts) }
      if scan.isFinished { return }
      scan.place = .before(arrival: arrival, segment: segment)
      if scan.byteCount >= end { return }
    }
    scan.place = .end
  }

  private mutating func look<Filter: SpanFilter>(
    into segment: Int64, _ scan: inout LogScan, _ filter: inout Filter, _ traces: inout TraceFinder,
    _ segments: inout SegmentCache, _ attempts: AttemptGroups
  ) throws(SQLiteError) {
    guard let bytes = try segments.loadWithoutKeeping(segment) else { return }
    scan.byteCount += bytes.count
    guard filter.canMatch(in: bytes.span) else { return }
    var matches: [Match] = []
    do throws(ProtobufError) {
      try Self.find(in: bytes.span, &filter, &matches)
    } catch {
      throw SQLiteError(code: .corrupt, operation: "read", message: "segment \(segment) is damaged: \(error)")
    }
    // The newest come first.
    for match in matches.reversed() {
      guard let hit = try stored(match, in: segment, &traces, attempts) else { continue }
      if !filter.take(hit) {
        scan.place = .end
        return
      }
    }
  }

  private struct Match {
    var identity: SpanIdentity
    var offset: Int
  }

  private static func find<Filter: SpanFilter>(
    in bytes: Span<UInt8>, _ filter: inout Filter, _ matches: inout [Match]
  ) throws(ProtobufError) {
    var request = ProtobufReader(bytes)
    while let resource = try request.nextOccurrence(of: 1) {
      guard filter.enterResource(bytes, at: resource) else { continue }
      var scopes = ProtobufReader(bytes, at: resource)
      while let scope = try scopes.nextOccurrence(of: 2) {
        guard filter.enterScope(bytes, at: scope) else { continue }
        var spans = ProtobufReader(bytes, at: scope)
        while let span = try spans.nextOccurrence(of: 2) {
          guard let identity = filter.match(bytes, at: span) else { continue }
          matches.append(Match(identity: identity, offset: span.lowerBound))
        }
      }
    }
  }

  /// Finds the row of a span; `nil` when it is gone, or its bytes are a repeat.
  private mutating func stored(
    _ match: Match, in segment: Int64, _ traces: inout TraceFinder, _ attempts: AttemptGroups
  ) throws(SQLiteError) -> SpanHit? {
    guard let trace = try traces.row(of: match.identity.traceID) else { return nil }
    try rows.bind(trace, at: 1)
    try rows.bind(Int64(bitPattern: match.identity.spanID.value), at: 2)
    try rows.bind(segment, at: 3)
    try rows.bind(Int64(match.offset), at: 4)
    let row = try rows.first { (row: borrowing Row) in (row.int(at: 0), row.optionalInt(at: 1)) }
    guard let (number, sequence) = row, let attempt = try attempts.names(of: number) else { return nil }
    return SpanHit(traceID: match.identity.traceID, attempt: attempt, sequence: sequence)
  }
}
