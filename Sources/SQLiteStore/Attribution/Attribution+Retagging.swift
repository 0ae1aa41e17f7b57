import SQLite
import Telemetry
import TraceStore

/// The statements that change spans which are stored.
struct RetagStatements: ~Copyable {
  var update: Statement
  var linkers: Statement
  var sessionSpans: Statement
  var isUnassigned: Statement
  var unassignedOfSession: Statement
  var unassignedInWindow: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let update = try connection.prepare(
      """
      UPDATE spans SET rule = ?4, attempt = ?5, sequence = ?6
      WHERE trace = ?1 AND span_id = ?2 AND variant = ?3
      """)
    let linkers = try connection.prepare(
      """
      SELECT trace, span_id, variant FROM span_links
      WHERE linked_trace_id = ?1 AND linked_span_id = ?2 AND (trace, span_id, variant) > (?3, ?4, ?5)
      ORDER BY trace, span_id, variant LIMIT ?6
      """)
    let sessionSpans = try connection.prepare(
      """
      SELECT trace, span_id, variant FROM span_sessions
      WHERE session = ?1 AND (trace, span_id, variant) > (?2, ?3, ?4)
      ORDER BY trace, span_id, variant LIMIT ?5
      """)
    // What the transaction has changed is written before these are asked.
    let isUnassigned = try connection.prepare(
      "SELECT 1 FROM rollout_traces WHERE rollout = 0 AND attempt IN \(Self.unassigned) AND trace = ?1 AND spans > 0")
    let unassignedOfSession = try connection.prepare(
      """
      SELECT DISTINCT trace_id FROM span_sessions JOIN spans USING (trace, span_id, variant)
        JOIN traces ON traces.id = span_sessions.trace
      WHERE session = (SELECT id FROM session_names WHERE name = ?1) AND (rule & 15) = 0 LIMIT ?2
      """)
    let unassignedInWindow = try connection.prepare(
      """
      SELECT trace_id FROM rollout_traces JOIN traces ON traces.id = trace
      WHERE rollout = 0 AND attempt IN \(Self.unassigned) AND rollout_traces.spans > 0 AND EXISTS (
        SELECT * FROM spans WHERE spans.trace = rollout_traces.trace AND (rule & 15) = 0 AND start >= ?1 AND start < ?2
      )
      LIMIT ?3
      """)
    self.update = update
    self.linkers = linkers
    self.sessionSpans = sessionSpans
    self.isUnassigned = isUnassigned
    self.unassignedOfSession = unassignedOfSession
    self.unassignedInWindow = unassignedInWindow
  }

  /// The attempts of spans without a rollout.
  private static let unassigned = "(SELECT id FROM attempts WHERE rollout = 0)"

  /// Steps through the keys that a statement with a bound condition gives.
  static func keys(
    _ statement: inout Statement, after cursor: RetagTask.Cursor, limit: Int, from index: Int32
  ) throws(SQLiteError) -> [SpanKey] {
    try statement.bind(cursor.trace, at: index)
    try statement.bind(cursor.spanID, at: index + 1)
    try statement.bind(cursor.variant, at: index + 2)
    try statement.bind(Int64(limit), at: index + 3)
    var found: [SpanKey] = []
    try statement.forEach { (row: borrowing Row) in
      found.append(SpanKey(trace: row.int(at: 0), spanID: row.int(at: 1), variant: row.int(at: 2)))
    }
    return found
  }
}

/// Decides stored spans again when what holds for them has changed.
extension Attribution {
  /// Spans that are read at once.
  private static let chunk = 256

  /// Works on the tasks that wait.
  ///
  /// - Parameter budget: How many spans to look at.
  func work(budget: Int, _ tables: inout Tables) throws(SQLiteError) {
    var left = budget
    while left > 0, let task = queue.next {
      left -= 1
      let limit = min(Self.chunk, max(left, 1))
      switch task.kind {
      case .children: left -= try workOnChildren(task, limit, &tables)
      case .trace: left -= try workOnTrace(task, limit, &tables)
      case .linkers: left -= try workOnLinkers(task, limit, &tables)
      case .session: left -= try workOnSession(task, limit, &tables)
      }
    }
  }

  /// Writes what is left, and what is known of traces; before the commit.
  func save() throws(SQLiteError) {
    try queue.save()
    try states.save()
  }

  // MARK: Tasks

  private func workOnChildren(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    let cursor = queue.cursor(of: task)
    let (trace, parent) = (task.subject, task.spanID)
    let children = try nodes.children(
      trace, of: parent, after: (cursor.spanID, cursor.variant), limit: limit)
    advance(
      children.count == limit
        ? children.last.map { SpanKey(trace: trace, spanID: $0.spanID, variant: $0.variant) } : nil)
    guard !children.isEmpty else { return 0 }
    let handed = try handedDown(by: parent, of: trace, &tables)
    let hasVariants = try state(of: trace, &tables).hasVariants
    for child in children {
      let node = hasVariants ? try nodes.node(trace, child.spanID) : SpanNode(rows: [child])
      // Those before it in the list may have changed it, in a cycle.
      guard let row = node.rows.first(where: { $0.variant == child.variant }) else { continue }
      let inheritance: Inheritance?
      if node.hasOwnRollout || child.spanID == parent {
        // In a cycle, what is handed down may be what spans under its own ids have handed up.
        inheritance = try inherited(by: row, of: trace, &tables)
      } else {
        switch try boundPlaces(of: child.spanID, of: trace, &tables) {
        case .one(let place): inheritance = Inheritance(place: place, rule: .subtree)
        case .contradiction: inheritance = nil
        case .nothing: inheritance = handed
        }
      }
      try pass(inheritance, to: row, of: node, trace, &tables)
    }
    return children.count
  }

  private func workOnTrace(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    let cursor = queue.cursor(of: task)
    let rows = try nodes.spans(of: task.subject, after: (cursor.spanID, cursor.variant), limit: limit)
    advance(
      rows.count == limit
        ? rows.last.map { SpanKey(trace: task.subject, spanID: $0.spanID, variant: $0.variant) } : nil)
    for row in rows { try decideAgain(row, of: task.subject, &tables) }
    return rows.count
  }

  private func workOnLinkers(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    let id = try state(of: task.subject, &tables).id
    try id.withBytes { bytes throws(SQLiteError) in try statements.linkers.bind(bytes, at: 1) }
    try statements.linkers.bind(task.spanID, at: 2)
    let found = try RetagStatements.keys(&statements.linkers, after: queue.cursor(of: task), limit: limit, from: 3)
    advance(found.count == limit ? found.last : nil)
    for span in found { try decideAgain(span, &tables) }
    return found.count
  }

  private func workOnSession(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    try statements.sessionSpans.bind(task.subject, at: 1)
    let found = try RetagStatements.keys(
      &statements.sessionSpans, after: queue.cursor(of: task), limit: limit, from: 2)
    advance(found.count == limit ? found.last : nil)
    for span in found { try decideAgain(span, &tables) }
    return found.count
  }

  private func advance(_ last: SpanKey?) {
    queue.advance(to: last.map { RetagTask.Cursor(trace: $0.trace, spanID: $0.spanID, variant: $0.variant) })
  }

  // MARK: Spans

  /// Finds out from scratch what a span inherits, and has those below it looked at.
  ///
  /// - Parameter isEvidence: Whether the span's own tags, or the spans under its ids, are others than before.
  func lookAgain(at spanID: Int64, of trace: Int64, isEvidence: Bool, _ tables: inout Tables) throws(SQLiteError) {
    let node = try nodes.node(trace, spanID)
    queue.add(RetagTask(kind: .children, subject: trace, spanID: spanID))
    guard node.isStored else { return }
    states[trace]?.hasFollowers = try nodes.hasFollowers(trace)
    if isEvidence { try learn(try knownPlaces(of: trace, &tables), of: trace, &tables) }
    for row in node.rows where !row.code.hasOwnRollout {
      try pass(try inherited(by: row, of: trace, &tables), to: row, of: node, trace, &tables)
    }
    if isEvidence, try state(of: trace, &tables).isLinked { try lookAtLinkers(of: spanID, of: trace, &tables) }
  }

  /// Has spans looked at that link to a span whose tags have changed.
  func lookAtLinkers(of spanID: Int64, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) {
    let id = try state(of: trace, &tables).id
    try id.withBytes { bytes throws(SQLiteError) in try statements.linkers.bind(bytes, at: 1) }
    try statements.linkers.bind(spanID, at: 2)
    let found = try RetagStatements.keys(&statements.linkers, after: RetagTask.Cursor(), limit: 1, from: 3)
    if !found.isEmpty { queue.add(RetagTask(kind: .linkers, subject: trace, spanID: spanID)) }
  }

  /// Gives a span what it inherits, and hands that down if it is new.
  private func pass(
    _ inheritance: Inheritance?, to row: NodeRow, of node: SpanNode, _ trace: Int64, _ tables: inout Tables
  ) throws(SQLiteError) {
    let assignment: Assignment?
    if let inheritance {
      assignment = Assignment(place: inheritance.place, rule: inheritance.rule)
    } else {
      assignment = try assigned(to: row, of: trace, &tables)
    }
    let isNew = try assign(assignment, to: row, of: trace, &tables)
    // Those below do not care by which of the weaker rules it has its place.
    let isInherited = { (rule: TagRule) in rule == .subtree || rule == .ancestor }
    if isNew, !node.hasOwnRollout, inheritance != nil || isInherited(row.code.rollout) {
      queue.add(RetagTask(kind: .children, subject: trace, spanID: row.spanID))
    }
  }

  /// Decides a span again by rules 6 to 9, unless stronger ones have decided it.
  func decideAgain(_ span: SpanKey, _ tables: inout Tables) throws(SQLiteError) {
    let node = try nodes.node(span.trace, span.spanID)
    guard let row = node.rows.first(where: { $0.variant == span.variant }) else { return }
    try decideAgain(row, of: span.trace, &tables)
  }

  private func decideAgain(_ row: NodeRow, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) {
    guard !(1...5).contains(row.code.rollout.rawValue) else { return }
    try assign(try assigned(to: row, of: trace, &tables), to: row, of: trace, &tables)
  }

  /// Changes the tags of a stored span.
  ///
  /// - Returns: Whether they are others than before.
  @discardableResult
  private func assign(_ assignment: Assignment?, to row: NodeRow, of trace: Int64, _ tables: inout Tables)
    throws(SQLiteError) -> Bool
  {
    let code = row.code.with(rollout: assignment?.rule ?? .none)
    let attempt = row.code.ownAttempt == .none ? nil : try places.tag(of: row.attempt).attemptID
    if attempt == nil, code == row.code, let assignment, assignment.place.attempt == row.attempt { return false }
    var tag = try assignment.map { found throws(SQLiteError) in try places.tag(of: found.place.attempt) } ?? .unassigned
    if attempt != nil { tag.attemptID = attempt }
    let resolved = try tables.tags.resolve(tag, received: received)
    if code == row.code && resolved.rows.attempt == row.attempt { return false }
    try store(row, trace, code, resolved, &tables)
    let isTarget = { (rule: TagRule) in (1...6).contains(rule.rawValue) }
    if isTarget(row.code.rollout) || isTarget(code.rollout), try state(of: trace, &tables).isLinked {
      try lookAtLinkers(of: row.spanID, of: trace, &tables)
    }
    return true
  }

  /// Writes the tags of a stored span, with the number that it gets by them.
  func store(
    _ row: NodeRow, _ trace: Int64, _ code: RuleCode, _ resolved: TagResolver.Resolved, _ tables: inout Tables,
    givenNumber: Int64? = nil
  ) throws(SQLiteError) {
    let old = try places.place(of: row.attempt).rows
    var sequence = givenNumber ?? row.sequence
    if !code.isNumberGiven {
      if resolved.rows.rollout == 0 {
        sequence = nil
      } else if resolved.rows.rollout != old.rollout || sequence == nil {
        sequence = tables.tags.sequence(-1, resolved.rollout)
      }
    }
    tables.tags.use(sequence, resolved.rollout, attempt: resolved.rows.attempt)
    try statements.update.bind(trace, at: 1)
    try statements.update.bind(row.spanID, at: 2)
    try statements.update.bind(row.variant, at: 3)
    try statements.update.bind(code.rawValue, at: 4)
    try statements.update.bind(resolved.rows.attempt, at: 5)
    try statements.update.bind(sequence, at: 6)
    try statements.update.run()
    if old != resolved.rows { tables.tags.move(from: old, to: resolved.rows, trace: trace) }
    guard retags.wants(arrival: row.arrival) else { return }
    retags.add(
      RetagCollection.Change(
        span: SpanKey(trace: trace, spanID: row.spanID, variant: row.variant),
        traceID: try state(of: trace, &tables).id, arrival: row.arrival,
        before: RetagCollection.Tags(attempt: row.attempt, rule: row.code.shown, sequence: row.sequence),
        after: RetagCollection.Tags(attempt: resolved.rows.attempt, rule: code.shown, sequence: sequence)))
  }
}
