import SQLite
import Telemetry
import TraceStore

/// How spans are stored: where each of them belongs is found out first, then many rows are inserted at once, and what was
/// inserted is counted.
///
/// The loops are static and are given what they change: an access to a property of an object is checked each time.
extension WriterSession {
  /// A row that is inserted together with others of its segment.
  private struct WaitingRow {
    /// The place of its span in the batch.
    var index: Int
    var placement: SpanInserter.Placement
    var rollout: TagResolver.Rollout?
  }

  /// The number that a span has brought, which is to raise the counter of its rollout.
  private struct BroughtNumber {
    var sequence: Int64?
    var rollout: TagResolver.Rollout?
    var attempt: Int64
  }

  /// What became of a batch so far.
  private struct Outcome {
    var receipt = AppendReceipt()
    /// The variants of spans that are not 0, by their place in the batch; -1 for duplicates.
    var variants: [Int: Int64] = [:]
    /// The numbers that new spans have brought, where others of the batch bring none; `nil` where all or none do, so that
    /// their order makes no difference.
    var brought: [BroughtNumber]?
  }

  /// Adds some segments of a batch to the transaction.
  ///
  /// - Parameter sequence: The number of the only span, which can be one that no span of OTLP has.
  func append(_ batch: SpanBatch, segments: Range<Int>, received: Int64, sequence: Int64? = nil) throws
    -> AppendReceipt
  {
    var outcome = Outcome()
    let drafts = batch.segments[segments]
    let spans = (drafts.first?.spans.lowerBound ?? 0)..<(drafts.last?.spans.upperBound ?? 0)
    if Self.isMixed(batch.spans, spans) { outcome.brought = [] }
    let tags = try resolveTags(of: batch, spans, received: received)
    let plan = try attribution.plan(batch, spans, tags, &tables)
    var resolvedServices = [Int64?](repeating: nil, count: batch.contexts.count)
    var rows: [WaitingRow] = []
    rows.reserveCapacity(min(spans.count, SpanInserter.rowsAtOnce))
    for draft in drafts {
      let place = try packer.begin(draft, received: received)
      for index in draft.spans {
        let span = batch.spans[index]
        guard let own = tags[Int(span.tag)] else { continue }
        let given = sequence ?? (span.sequence >= 0 ? span.sequence : nil)
        var code = RuleCode(own: batch.tags[Int(span.tag)])
        let target = plan.target(of: index)
        if let target { code = code.with(rollout: target.rule) }
        let tag = target?.tag ?? own
        code.isNumberIssued = given == nil && tag.rollout != nil
        let placement = SpanInserter.Placement(
          trace: plan.trace(of: index), rows: tag.rows, sequence: given, code: code,
          service: try resolve(span.context, batch.contexts, &resolvedServices), segment: place.segment,
          start: place.start)
        rows.append(WaitingRow(index: index, placement: placement, rollout: tag.rollout))
        if rows.count == SpanInserter.rowsAtOnce { try insert(&rows, batch, draft, &outcome) }
      }
      // They count in their segment while it is open.
      try insert(&rows, batch, draft, &outcome)
    }
    // Behind all that were issued, as AGL's store does it (contract, section 10).
    for number in outcome.brought ?? [] {
      tables.tags.use(number.sequence, number.rollout, attempt: number.attempt)
    }
    try attribution.didInsert(batch, spans, plan, outcome.variants, &tables)
    change.add(outcome.receipt)
    return outcome.receipt
  }

  /// Whether some spans bring their numbers and others do not.
  private static func isMixed(_ facts: [SpanFacts], _ spans: Range<Int>) -> Bool {
    guard let first = spans.first else { return false }
    let bringsNumber = facts[first].sequence >= 0
    for index in spans where (facts[index].sequence >= 0) != bringsNumber { return true }
    return false
  }

  /// What the tags of some spans stand for; once for all spans, because a request has few tags.
  private func resolveTags(of batch: SpanBatch, _ spans: Range<Int>, received: Int64) throws
    -> [TagResolver.Resolved?]
  {
    var resolved = [TagResolver.Resolved?](repeating: nil, count: batch.tags.count)
    for index in spans {
      let tag = Int(batch.spans[index].tag)
      if resolved[tag] == nil { resolved[tag] = try tables.tags.resolve(batch.tags[tag], received: received) }
    }
    return resolved
  }

  private func resolve(_ index: Int32, _ contexts: [SpanContext], _ resolved: inout [Int64?]) throws -> Int64 {
    if let known = resolved[Int(index)] { return known }
    let row = try services.row(of: contexts[Int(index)].service)
    resolved[Int(index)] = row
    return row
  }

  /// Rows that are tried together when some of more are not new.
  private static let fewRows = 16

  /// Inserts the rows that wait: all at once when all of them are new, else a few at once or one by one.
  private func insert(
    _ rows: inout [WaitingRow], _ batch: SpanBatch, _ draft: SegmentDraft, _ outcome: inout Outcome
  ) throws {
    guard !rows.isEmpty else { return }
    defer { rows.removeAll(keepingCapacity: true) }
    let new = try insertTogether(&rows, batch, draft, &outcome)
    if new == rows.count { return }
    for start in stride(from: 0, to: rows.count, by: Self.fewRows) {
      var few = Array(rows[start..<min(start + Self.fewRows, rows.count)])
      // Where none was new, none of them is.
      if new > 0, few.count < rows.count, try insertTogether(&few, batch, draft, &outcome) == few.count { continue }
      for row in few { try insertAlone(row, batch, draft, &outcome) }
    }
  }

  /// Inserts rows if all of them are new.
  ///
  /// - Returns: How many are new.
  private func insertTogether(
    _ rows: inout [WaitingRow], _ batch: SpanBatch, _ draft: SegmentDraft, _ outcome: inout Outcome
  ) throws -> Int {
    var mark = TagResolver.Mark()
    Self.number(&rows, after: counters.lastArrival, isMixed: outcome.brought != nil, &tables.tags, &mark)
    let inserted = try Self.insert(rows, batch, draft, &inserter, connection)
    if inserted == rows.count {
      Self.count(rows, batch, &counters, &packer, &tables.tags, &outcome)
      outcome.receipt.stored += inserted
      return inserted
    }
    if inserted > 0 {
      for row in rows { try inserter.remove(batch.spans[row.index], row.placement) }
    }
    tables.tags.takeBack(mark)
    return inserted
  }

  /// Gives rows their arrival numbers, and those that bring no number the next one of their rollout.
  ///
  /// - Parameter isMixed: Whether only some rows of the batch bring theirs: those count at its end.
  private static func number(
    _ rows: inout [WaitingRow], after lastArrival: Int64, isMixed: Bool, _ tags: inout TagResolver,
    _ mark: inout TagResolver.Mark
  ) {
    for place in rows.indices {
      rows[place].placement.arrival = lastArrival + 1 + Int64(place)
      let (rollout, attempt) = (rows[place].rollout, rows[place].placement.rows.attempt)
      if rows[place].placement.code.isNumberIssued {
        rows[place].placement.sequence = tags.issue(rollout, attempt: attempt, &mark)
      } else if !isMixed {
        tags.use(rows[place].placement.sequence, rollout, attempt: attempt, &mark)
      }
    }
  }

  /// - Returns: How many were new.
  private static func insert(
    _ rows: [WaitingRow], _ batch: SpanBatch, _ draft: SegmentDraft, _ inserter: inout SpanInserter,
    _ connection: borrowing Connection
  ) throws -> Int {
    for row in rows { try inserter.add(batch.spans[row.index], row.placement, draft.bytes.span) }
    return try inserter.insertAdded(connection)
  }

  /// Notes that rows are new.
  private static func count(
    _ rows: [WaitingRow], _ batch: SpanBatch, _ counters: inout StoreCounters, _ packer: inout SegmentPacker,
    _ tags: inout TagResolver, _ outcome: inout Outcome
  ) {
    for row in rows {
      counters.arrive()
      packer.count(arrival: counters.lastArrival, start: batch.spans[row.index].startTime)
      let (sequence, attempt) = (row.placement.sequence, row.placement.rows.attempt)
      if outcome.brought == nil || row.placement.code.isNumberIssued {
        tags.use(sequence, row.rollout, attempt: attempt)
      } else {
        outcome.brought?.append(BroughtNumber(sequence: sequence, rollout: row.rollout, attempt: attempt))
      }
      tags.add(to: row.placement.rows, trace: row.placement.trace)
    }
  }

  /// Inserts one row, or finds out what it repeats.
  private func insertAlone(
    _ given: WaitingRow, _ batch: SpanBatch, _ draft: SegmentDraft, _ outcome: inout Outcome
  ) throws {
    var row = given
    let span = batch.spans[row.index]
    row.placement.arrival = counters.lastArrival + 1
    if row.placement.code.isNumberIssued { row.placement.sequence = tables.tags.nextNumber(of: row.rollout) }
    if try !insertOverHidden(span, row.placement, draft.bytes.span) {
      let candidate = DuplicateCheck.Candidate(
        trace: row.placement.trace, spanID: span.spanID, segment: row.placement.segment,
        offset: row.placement.start + Int(span.offset))
      switch try duplicates.check(candidate, packer) {
      case .duplicate(let variant):
        outcome.receipt.duplicates += 1
        outcome.variants[row.index] = -1
        let key = SpanKey(trace: row.placement.trace, spanID: Int64(bitPattern: span.spanID.value), variant: variant)
        return try attribution.didRepeat(key, batch.tags[Int(span.tag)], &tables)
      case .different(let variant):
        row.placement.variant = variant
        outcome.receipt.variants += 1
        outcome.variants[row.index] = variant
        guard try inserter.insert(span, row.placement, draft.bytes.span, connection) else {
          throw SQLiteError(code: .corrupt, operation: "insert", message: "variant \(variant) of a span exists")
        }
      }
    }
    Self.count([row], batch, &counters, &packer, &tables.tags, &outcome)
    outcome.receipt.stored += 1
  }

  /// Inserts a row, also where a span under its ids is being deleted: that one counts as gone.
  private func insertOverHidden(
    _ span: SpanFacts, _ placement: SpanInserter.Placement, _ bytes: Span<UInt8>
  ) throws -> Bool {
    if try inserter.insert(span, placement, bytes, connection) { return true }
    guard !removal.deletions.isEmpty else { return false }
    let key = SpanKey(
      trace: placement.trace, spanID: Int64(bitPattern: span.spanID.value), variant: placement.variant)
    guard try removeHidden(key) else { return false }
    return try inserter.insert(span, placement, bytes, connection)
  }
}
