import SQLite
import Telemetry

/// Takes spans out of the index, inside the writer's transaction, and traces that lose their last one.
struct SpanRemover: ~Copyable {
  /// What one call has deleted.
  struct Removed {
    var spans: Int64 = 0
    /// Those of them that a forwarder had not delivered.
    var undelivered: Int64 = 0
    /// The trace, when nothing is left of it.
    var trace: TraceID?
    /// Whether there are more.
    var isPartial = false
  }

  /// A deleted span of a trace whose spans are noted elsewhere too.
  private struct Found {
    var spanID: Int64
    var variant: Int64
  }

  /// Spans up to this arrival number have been delivered by every forwarder.
  var delivered = Int64.max
  private var select: Statement
  private var selectOne: Statement
  /// Both delete the rows of a trace in one pass; the second one also tells which they were.
  private var removeAll: NotedDelete
  private var removeNoted: NotedDelete
  private var removeOne: Statement
  private var isLeft: Statement
  private var selectTrace: Statement
  private var removeTrace: Statement
  private var forgetKnowledge: Statement
  private var notes: SpanNotes
  private var found: [Found] = []

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let select = try connection.prepare(
      "SELECT segment, arrival, span_id, variant FROM spans WHERE trace = ?1 AND attempt = ?2 LIMIT ?3")
    let selectOne = try connection.prepare(
      "SELECT segment, arrival FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
    let removeAll = try NotedDelete(
      connection, from: "spans", in: "trace = ?1", where: "attempt = ?2", noting: ["segment", "arrival"])
    let removeNoted = try NotedDelete(
      connection, from: "spans", in: "trace = ?1", where: "attempt = ?2",
      noting: ["segment", "arrival", "span_id", "variant"])
    let removeOne = try connection.prepare("DELETE FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
    let isLeft = try connection.prepare("SELECT 1 FROM spans WHERE trace = ?1 LIMIT 1")
    let selectTrace = try connection.prepare("SELECT trace_id FROM traces WHERE id = ?1")
    let removeTrace = try connection.prepare("DELETE FROM traces WHERE id = ?1")
    let forgetKnowledge = try connection.prepare("UPDATE traces SET binding = NULL WHERE id = ?1")
    let notes = try SpanNotes(connection)
    self.select = select
    self.selectOne = selectOne
    self.removeAll = removeAll
    self.removeNoted = removeNoted
    self.removeOne = removeOne
    self.isLeft = isLeft
    self.selectTrace = selectTrace
    self.removeTrace = removeTrace
    self.forgetKnowledge = forgetKnowledge
    self.notes = notes
  }

  /// Deletes the spans that an attempt has in a trace.
  ///
  /// - Parameters:
  ///   - count: How many there are, as far as is known: it decides about the way that this is done, not about the result.
  ///   - limit: How many at most.
  mutating func remove(
    of attempt: Int64, in trace: Int64, count: Int64, limit: Int, _ losses: inout SegmentLosses
  ) throws(SQLiteError) -> Removed {
    found.removeAll(keepingCapacity: true)
    var removed = Removed()
    let hasNotes = try notes.has(trace)
    if count > limit {
      try takeSome(of: attempt, in: trace, limit: limit, &removed, &losses)
    } else if hasNotes {
      removed.isPartial = try Self.take(&removeNoted, of: attempt, in: trace, limit: limit) { row in
        Self.note(segment: row[0], arrival: row[1], delivered, &removed, &losses)
        found.append(Found(spanID: row[2], variant: row[3]))
      }
    } else {
      removed.isPartial = try Self.take(&removeAll, of: attempt, in: trace, limit: limit) { row in
        Self.note(segment: row[0], arrival: row[1], delivered, &removed, &losses)
      }
    }
    if removed.spans == 0 { return removed }
    try finish(trace, &removed)
    guard hasNotes else { return removed }
    if removed.trace != nil {
      try notes.removeAll(of: trace)
    } else {
      for span in found { try notes.remove(SpanKey(trace: trace, spanID: span.spanID, variant: span.variant)) }
    }
    return removed
  }

  private static func note(
    segment: Int64, arrival: Int64, _ delivered: Int64, _ removed: inout Removed, _ losses: inout SegmentLosses
  ) {
    removed.spans += 1
    if arrival > delivered { removed.undelivered += 1 }
    losses.add(segment)
  }

  /// Deletes all rows of a trace, in one pass.
  ///
  /// - Returns: Whether there are more after all.
  private static func take(
    _ delete: inout NotedDelete, of attempt: Int64, in trace: Int64, limit: Int, _ body: (Span<Int64>) -> Void
  ) throws(SQLiteError) -> Bool {
    try delete.bind(trace, at: 1)
    try delete.bind(attempt, at: 2)
    return try delete.run(limit: limit, body)
  }

  /// Deletes some rows of a trace that has too many for one step: what is left is not even looked at.
  private mutating func takeSome(
    of attempt: Int64, in trace: Int64, limit: Int, _ removed: inout Removed, _ losses: inout SegmentLosses
  ) throws(SQLiteError) {
    try select.bind(trace, at: 1)
    try select.bind(attempt, at: 2)
    try select.bind(Int64(limit) + 1, at: 3)
    try select.forEach { (row: borrowing Row) in
      guard found.count < limit else {
        removed.isPartial = true
        return
      }
      Self.note(segment: row.int(at: 0), arrival: row.int(at: 1), delivered, &removed, &losses)
      found.append(Found(spanID: row.int(at: 2), variant: row.int(at: 3)))
    }
    for span in found { try removeOne(SpanKey(trace: trace, spanID: span.spanID, variant: span.variant)) }
  }

  /// Deletes one span.
  ///
  /// - Parameter keepsTrace: Whether its trace stays also without spans, because others are about to come.
  /// - Returns: `nil` when it is not there.
  mutating func remove(_ span: SpanKey, keepsTrace: Bool = false, _ losses: inout SegmentLosses) throws(SQLiteError)
    -> Removed?
  {
    try selectOne.bind(span.trace, at: 1)
    try selectOne.bind(span.spanID, at: 2)
    try selectOne.bind(span.variant, at: 3)
    let row = try selectOne.first { (row: borrowing Row) in
      (segment: row.int(at: 0), arrival: row.int(at: 1))
    }
    guard let row else { return nil }
    try removeOne(span)
    try notes.remove(span)
    losses.add(row.segment)
    var removed = Removed(spans: 1, undelivered: row.arrival > delivered ? 1 : 0)
    if !keepsTrace { try finish(span.trace, &removed) }
    return removed
  }

  private mutating func removeOne(_ span: SpanKey) throws(SQLiteError) {
    try removeOne.bind(span.trace, at: 1)
    try removeOne.bind(span.spanID, at: 2)
    try removeOne.bind(span.variant, at: 3)
    try removeOne.run()
  }

  /// Deletes the trace if it has lost its last span; else what is known of it is to be found out anew.
  private mutating func finish(_ trace: Int64, _ removed: inout Removed) throws(SQLiteError) {
    try isLeft.bind(trace, at: 1)
    if try isLeft.first({ (_: borrowing Row) in true }) == true {
      try forgetKnowledge.bind(trace, at: 1)
      try forgetKnowledge.run()
      return
    }
    try selectTrace.bind(trace, at: 1)
    removed.trace = try selectTrace.first { (row: borrowing Row) in TraceID(row.bytes(at: 0)) } ?? nil
    try removeTrace.bind(trace, at: 1)
    try removeTrace.run()
  }
}
