import SQLite
import Telemetry
import TraceStore

/// The statements that change spans which are stored.
struct RetagStatements: ~Copyable {
  var update: Statement
  /// The same for spans of a trace that have arrived one after the other, with numbers one after the other or none.
  var updateRun: Statement
  /// Takes a span that has a rollout of its own now out of the index of those that follow others.
  var leave: Statement
  var linkers: Statement
  var sessionSpans: Statement
  var isUnassigned: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let update = try connection.prepare(
      """
      UPDATE spans SET rule = ?4, attempt = ?5, sequence = ?6
      WHERE trace = ?1 AND span_id = ?2 AND variant = ?3
      """)
    let updateRun = try connection.prepare(
      "UPDATE spans SET rule = ?4, attempt = ?5, sequence = arrival + ?6 WHERE trace = ?1 AND arrival BETWEEN ?2 AND ?3"
    )
    let leave = try connection.prepare(
      "UPDATE spans SET follows = NULL WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
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
    self.update = update
    self.updateRun = updateRun
    self.leave = leave
    self.linkers = linkers
    self.sessionSpans = sessionSpans
    self.isUnassigned = isUnassigned
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

/// Spans of one trace that go from one attempt to another, one after the other.
private struct Moved {
  let trace: Int64
  let old: TagResolver.Rows
  let new: TagResolver.Rows
  private var spans: Int64 = 1

  init(trace: Int64, old: TagResolver.Rows, new: TagResolver.Rows) {
    self.trace = trace
    self.old = old
    self.new = new
  }

  /// - Returns: Whether the other goes the same way.
  mutating func add(_ other: Moved) -> Bool {
    guard trace == other.trace, old == other.old, new == other.new else { return false }
    spans += other.spans
    return true
  }

  func count(_ tables: inout Attribution.Tables) {
    tables.tags.move(spans, from: old, to: new, trace: trace)
  }
}

/// Decides stored spans again when what holds for them has changed.
extension Attribution {
  /// Spans that are read at once.
  private static let chunk = 256
  /// Changes whose memory is kept for the next ones.
  private static let fewChanges = 4 << 10

  /// Rows of a trace that one walk may pass over for each that it changes.
  private static let passedOver = 8

  /// Works on the tasks that wait.
  ///
  /// - Parameter budget: How many spans to look at.
  func work(budget: Int, _ tables: inout Tables) throws(SQLiteError) {
    var left = budget
    // The oldest has its share, so that what comes all the time does not keep it waiting.
    let share = budget / 4
    nodes.beginLoading()
    defer {
      nodes.endLoading()
      lastResolved = nil
    }
    while left > 0, let task = queue.next(oldest: left > budget - share) {
      left -= 1
      steps = 0
      let limit = min(Self.chunk, max(left, 1))
      switch task.kind {
      case .children: left -= try workOnChildren(task, limit, &tables)
      case .trace: left -= try workOnTrace(task, limit, &tables)
      case .linkers: left -= try workOnLinkers(task, limit, &tables)
      case .session: left -= try workOnSession(task, limit, &tables)
      }
      // Searches cost about as much as spans.
      left -= steps
    }
    try writeChanges(&tables)
  }

  /// Writes what is left, and what is known of traces; before the commit.
  func save() throws(SQLiteError) {
    try queue.save()
    try states.save()
    hidden.removeAll(keepingCapacity: hidden.count <= Self.fewChanges)
  }

  // MARK: Tasks

  private func workOnChildren(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    let cursor = queue.cursor(of: task)
    let (trace, parent) = (task.subject, task.spanID)
    let children = try nodes.children(
      trace, of: parent, after: (cursor.spanID, cursor.variant), limit: limit)
    advance(
      task,
      children.count == limit
        ? children.last.map { SpanKey(trace: trace, spanID: $0.spanID, variant: $0.variant) } : nil)
    guard !children.isEmpty else { return 0 }
    let handed = try handedDown(by: parent, of: trace, &tables)
    let state = try state(of: trace, &tables)
    for child in children {
      let isAlone = state.hasVariants ? try nodes.isAlone(child, of: trace) : true
      let bound = state.hasSpanBindings ? try boundPlaces(of: child.spanID, of: trace, &tables) : .nothing
      let inheritance: Inheritance?
      switch bound {
      case .one(let place): inheritance = Inheritance(place: place, rule: .subtree)
      case .contradiction: inheritance = nil
      // In a cycle, what is handed down may be what spans under its own ids have handed up.
      case .nothing where !isAlone || child.spanID == parent:
        inheritance = try settled(child, of: trace, &tables)
      case .nothing: inheritance = handed
      }
      let key = SpanKey(trace: trace, spanID: child.spanID, variant: child.variant)
      let isKnown = hidden[key] == .some(inheritance)
      try pass(inheritance, to: child, isAlone: isAlone, trace, &tables)
      // An attempt of its own hides a change of what it inherits, which those below it do not share.
      if child.code.ownAttempt != .none, bound == .nothing, inheritance != nil, !isKnown {
        queue.add(RetagTask(kind: .children, subject: trace, spanID: child.spanID))
      }
    }
    return children.count
  }

  private func workOnTrace(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    let cursor = queue.cursor(of: task)
    let rows = try nodes.spans(of: task.subject, after: (cursor.spanID, cursor.variant), limit: limit)
    advance(
      task,
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
    advance(task, found.count == limit ? found.last : nil)
    for span in found { try decideAgain(span, &tables) }
    return found.count
  }

  private func workOnSession(_ task: RetagTask, _ limit: Int, _ tables: inout Tables) throws(SQLiteError) -> Int {
    try statements.sessionSpans.bind(task.subject, at: 1)
    let found = try RetagStatements.keys(
      &statements.sessionSpans, after: queue.cursor(of: task), limit: limit, from: 2)
    advance(task, found.count == limit ? found.last : nil)
    for span in found { try decideAgain(span, &tables) }
    return found.count
  }

  private func advance(_ task: RetagTask, _ last: SpanKey?) {
    queue.advance(task, to: last.map { RetagTask.Cursor(trace: $0.trace, spanID: $0.spanID, variant: $0.variant) })
  }

  // MARK: Spans

  /// Finds out from scratch what the spans under some ids inherit, because their bindings have changed.
  func lookAgain(at spanID: Int64, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) {
    queue.add(RetagTask(kind: .children, subject: trace, spanID: spanID))
    try learn(try knownPlaces(of: trace, &tables), of: trace, &tables)
    let node = try nodes.node(trace, spanID)
    for row in node.rows where !row.code.hasOwnRollout {
      try pass(try settled(row, of: trace, &tables), to: row, isAlone: node.rows.count == 1, trace, &tables)
    }
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
  ///
  /// - Parameter isAlone: Whether no other span has its ids.
  func pass(
    _ inheritance: Inheritance?, to row: NodeRow, isAlone: Bool, _ trace: Int64, _ tables: inout Tables
  ) throws(SQLiteError) {
    if row.code.ownAttempt != .none {
      hidden[SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)] = .some(inheritance)
    }
    let assignment: Assignment?
    if let inheritance {
      assignment = Assignment(place: inheritance.place, rule: inheritance.rule)
    } else {
      assignment = try assigned(to: row, of: trace, &tables)
    }
    let isNew = try assign(assignment, to: row, of: trace, &tables)
    // Those below do not care by which of the weaker rules it has its place.
    let isInherited = { (rule: TagRule) in rule == .subtree || rule == .ancestor }
    // With other spans under the same ids it is left to them to find out what is handed down.
    if isNew, inheritance != nil || isInherited(row.code.rollout) || !isAlone, !nodes.isLeaf(row.spanID, of: trace) {
      queue.add(RetagTask(kind: .children, subject: trace, spanID: row.spanID))
    }
  }

  /// Decides a span again by rules 6 to 9, unless stronger ones have decided it.
  func decideAgain(_ span: SpanKey, _ tables: inout Tables) throws(SQLiteError) {
    guard let row = try nodes.row(span) else { return }
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
    let resolved = try resolved(assignment?.place, attempt: attempt, &tables)
    if code == row.code && resolved.rows.attempt == row.attempt { return false }
    change(row, of: trace, code, resolved)
    let isTarget = { (rule: TagRule) in (1...6).contains(rule.rawValue) }
    if isTarget(row.code.rollout) || isTarget(code.rollout), try state(of: trace, &tables).isLinked {
      try lookAtLinkers(of: row.spanID, of: trace, &tables)
    }
    return true
  }

  /// The rows of a place; of none, those of unassigned spans.
  ///
  /// - Parameter attempt: The span's own, which takes the place of the other.
  private func resolved(_ place: Place?, attempt: String?, _ tables: inout Tables) throws(SQLiteError)
    -> TagResolver.Resolved
  {
    // Mostly one span after the other goes to the same place.
    if attempt == nil, let place, let last = lastResolved, last.rows == place.rows { return last }
    var tag = try place.map { found throws(SQLiteError) in try places.tag(of: found.attempt) } ?? .unassigned
    if attempt != nil { tag.attemptID = attempt }
    let resolved = try tables.tags.resolve(tag, received: received)
    if nodes.isLoading { lastResolved = resolved }
    return resolved
  }

  /// Notes the tags that a stored span is to get.
  func change(_ row: NodeRow, of trace: Int64, _ code: RuleCode, _ tag: TagResolver.Resolved) {
    let span = SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)
    // What is written is what the first change has found.
    let change = nodes.changes[span]
    nodes.changes[span] = TagChange(
      code: code, tag: tag, storedCode: change?.storedCode ?? row.code,
      storedAttempt: change?.storedAttempt ?? row.attempt,
      storedSequence: change == nil ? row.sequence : change?.storedSequence, arrival: row.arrival)
  }

  /// Writes the tags that are decided, with the numbers that spans get by them, in the order of their arrival.
  func writeChanges(_ tables: inout Tables) throws(SQLiteError) {
    if nodes.changes.isEmpty { return }
    var changes = nodes.changes.sorted { $0.value.arrival < $1.value.arrival }
    nodes.changes.removeAll(keepingCapacity: changes.count <= Self.fewChanges)
    var moved: Moved?
    for index in changes.indices {
      let change = changes[index].value
      let storedSequence = change.storedSequence
      let rollout = try places.place(of: change.storedAttempt).rollout
      let rows = change.tag.rows
      // One that was given stays as it is.
      if change.storedCode.isNumberIssued || storedSequence == nil {
        changes[index].value.code.isNumberIssued = rows.rollout != 0
        if rows.rollout == 0 {
          changes[index].value.storedSequence = nil
        } else if rows.rollout != rollout || storedSequence == nil {
          changes[index].value.storedSequence = tables.tags.nextNumber(of: change.tag.rollout)
        }
      }
      tables.tags.use(changes[index].value.storedSequence, change.tag.rollout, attempt: rows.attempt)
      if change.storedAttempt != rows.attempt {
        let old = TagResolver.Rows(rollout: rollout, attempt: change.storedAttempt)
        let next = Moved(trace: changes[index].key.trace, old: old, new: rows)
        if moved?.add(next) != true {
          moved?.count(&tables)
          moved = next
        }
      }
      let span = changes[index].key
      if let outbox, outbox.isWanted, retags.isStored(change.arrival),
        change.storedAttempt != rows.attempt || storedSequence != changes[index].value.storedSequence
      {
        try outbox.add(span, arrival: change.arrival)
      }
      guard retags.wants(arrival: change.arrival) else { continue }
      retags.add(
        RetagCollection.Change(
          span: span, traceID: try state(of: span.trace, &tables).id, arrival: change.arrival,
          before: RetagCollection.Tags(
            attempt: change.storedAttempt, rule: change.storedCode.shown, sequence: storedSequence),
          after: RetagCollection.Tags(
            attempt: rows.attempt, rule: change.code.shown, sequence: changes[index].value.storedSequence)))
    }
    moved?.count(&tables)
    let rest = try writeRuns(changes)
    nodes.didChange()
    // Neighbours in the table together.
    for (span, change) in rest.sorted(by: {
      ($0.key.trace, $0.key.spanID, $0.key.variant) < ($1.key.trace, $1.key.spanID, $1.key.variant)
    }) {
      try statements.update.bind(span.trace, at: 1)
      try statements.update.bind(span.spanID, at: 2)
      try statements.update.bind(span.variant, at: 3)
      try statements.update.bind(change.code.rawValue, at: 4)
      try statements.update.bind(change.tag.rows.attempt, at: 5)
      try statements.update.bind(change.storedSequence, at: 6)
      try statements.update.run()
      guard change.code.hasOwnRollout else { continue }
      try statements.leave.bind(span.trace, at: 1)
      try statements.leave.bind(span.spanID, at: 2)
      try statements.leave.bind(span.variant, at: 3)
      try statements.leave.run()
    }
  }

  /// Writes changes that one walk through their trace makes.
  ///
  /// Arrivals are numbers of single spans: from the first to the last of a run nothing else has arrived.
  ///
  /// - Parameter changes: In the order of arrival.
  /// - Returns: The others.
  private func writeRuns(_ changes: [(key: SpanKey, value: TagChange)]) throws(SQLiteError)
    -> [(key: SpanKey, value: TagChange)]
  {
    var rest: [(key: SpanKey, value: TagChange)] = []
    var start = 0
    while start < changes.count {
      let (span, first) = changes[start]
      var end = start + 1
      while end < changes.count, changes[end].key.trace == span.trace,
        changes[end].value.isNext(Int64(end - start), after: first)
      {
        end += 1
      }
      defer { start = end }
      // A row that is passed over costs a tenth of one that is looked for.
      guard !first.code.hasOwnRollout, let size = nodes.size(of: span.trace), size <= Self.passedOver * (end - start)
      else {
        rest += changes[start..<end]
        continue
      }
      try statements.updateRun.bind(span.trace, at: 1)
      try statements.updateRun.bind(first.arrival, at: 2)
      try statements.updateRun.bind(changes[end - 1].value.arrival, at: 3)
      try statements.updateRun.bind(first.code.rawValue, at: 4)
      try statements.updateRun.bind(first.tag.rows.attempt, at: 5)
      try statements.updateRun.bind(first.storedSequence.map { $0 - first.arrival }, at: 6)
      try statements.updateRun.run()
    }
    return rest
  }
}
