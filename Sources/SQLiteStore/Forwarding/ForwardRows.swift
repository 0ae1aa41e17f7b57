import OTLP
import SQLite
import Telemetry
import TraceStore

/// Finds the rows of the index for spans of the log.
struct ForwardRows: ~Copyable {
  private var findSpan: Statement
  private var findAttempt: Statement
  private var findService: Statement
  private var traces: [TraceID: Int64]
  /// `nil` inside for attempts that are being deleted.
  private var attempts: [Int64: SpanAttempt?] = [:]
  private var services: [Int64: String] = [:]

  init(_ session: SQLiteReadSession) throws(SQLiteError) {
    let findSpan = try session.connection.prepare(
      """
      SELECT arrival, variant, attempt, sequence, status, service FROM spans
      WHERE trace = ?1 AND span_id = ?2 AND segment = ?3 AND offset = ?4
      """)
    let findAttempt = try session.connection.prepare(
      """
      SELECT attempts.rollout, rollouts.rollout_id, attempts.attempt_id
      FROM attempts LEFT JOIN rollouts ON rollouts.id = attempts.rollout WHERE attempts.id = ?1
      """)
    let findService = try session.connection.prepare("SELECT name FROM services WHERE id = ?1")
    let known = session.recent == nil ? try Self.newTraces(session.connection) : [:]
    self.findSpan = findSpan
    self.findAttempt = findAttempt
    self.findService = findService
    traces = known
  }

  /// The traces that are not in the lookup table: who shares the writer's memory finds them there.
  private static func newTraces(_ connection: borrowing Connection) throws(SQLiteError) -> [TraceID: Int64] {
    var select = try connection.prepare(
      "SELECT id, trace_id FROM traces WHERE id > (SELECT looked_up_trace FROM store)")
    var found: [TraceID: Int64] = [:]
    try select.forEach { (row: borrowing Row) in
      if let id = TraceID(row.bytes(at: 1)) { found[id] = row.int(at: 0) }
    }
    return found
  }

  private struct Found {
    var arrival: Int64
    var variant: Int64
    var attempt: Int64
    var sequence: Int64?
    var status: Int64
    var service: Int64

    init(_ row: borrowing Row, _ first: Int32) {
      arrival = row.int(at: first)
      variant = row.int(at: first + 1)
      attempt = row.int(at: first + 2)
      sequence = row.optionalInt(at: first + 3)
      status = row.int(at: first + 4)
      service = row.int(at: first + 5)
    }
  }

  /// The span as the index has it; `nil` when it has none.
  mutating func find(_ span: ListedSpan, in segment: Int64, _ session: SQLiteReadSession) throws(SQLiteError)
    -> ForwardSpan?
  {
    var trace = traces[span.traceID]
    if trace == nil {
      trace = try session.traces.row(of: span.traceID)
      traces[span.traceID] = trace
    }
    guard let trace else { return nil }
    try findSpan.bind(trace, at: 1)
    try findSpan.bind(Int64(bitPattern: span.spanID.value), at: 2)
    try findSpan.bind(segment, at: 3)
    try findSpan.bind(Int64(span.span.lowerBound), at: 4)
    guard let found = try findSpan.first({ (row: borrowing Row) in Found(row, 0) }) else { return nil }
    return try make(
      found,
      SpanLocation(
        resourceSpans: span.resourceSpans, scopeSpans: span.scopeSpans, span: span.span, segment: segment))
  }

  /// The span of an entry of an outbox; where it lies is still to be found.
  mutating func find(_ entry: ForwardOutboxEntry, _ session: SQLiteReadSession) throws(SQLiteError) -> ForwardSpan? {
    guard let place = entry.place else { return nil }
    try findSpan.bind(entry.span.trace, at: 1)
    try findSpan.bind(entry.span.spanID, at: 2)
    try findSpan.bind(place.segment, at: 3)
    try findSpan.bind(Int64(place.offset), at: 4)
    guard let found = try findSpan.first({ (row: borrowing Row) in Found(row, 0) }) else { return nil }
    var span = try make(
      found, SpanLocation(resourceSpans: 0..<0, scopeSpans: 0..<0, span: 0..<0, segment: place.segment))
    span?.progress = entry.id
    return span
  }

  private mutating func make(_ found: Found, _ location: SpanLocation) throws(SQLiteError) -> ForwardSpan? {
    guard let attempt = try attempt(found.attempt) else { return nil }
    return ForwardSpan(
      arrival: found.arrival, variant: found.variant, attempt: attempt, sequence: found.sequence,
      statusCode: Int32(truncatingIfNeeded: found.status), service: try service(found.service), source: 0,
      location: location, progress: 0)
  }

  /// - Returns: `nil` for an attempt that is being deleted, or that is gone.
  private mutating func attempt(_ row: Int64) throws(SQLiteError) -> SpanAttempt? {
    if let known = attempts[row] { return known }
    try findAttempt.bind(row, at: 1)
    let found = try findAttempt.first { (row: borrowing Row) -> SpanAttempt? in
      row.int(at: 0) < 0
        ? nil : SpanAttempt(rolloutID: row.optionalString(at: 1), attemptID: row.optionalString(at: 2))
    }
    let attempt = found ?? nil
    attempts[row] = .some(attempt)
    return attempt
  }

  private mutating func service(_ row: Int64) throws(SQLiteError) -> String? {
    guard row != 0 else { return nil }
    if let known = services[row] { return known }
    try findService.bind(row, at: 1)
    let name = try findService.first { (row: borrowing Row) in row.string(at: 0) }
    services[row] = name
    return name
  }
}
