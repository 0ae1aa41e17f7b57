import SQLite
import Telemetry
import TraceStore

/// Where the spans of a part of a batch are to be stored.
struct ArrivalPlan {
  /// Where one span belongs, with its rollout's numbers.
  struct Target {
    var tag: TagResolver.Resolved
    var rule: TagRule
  }

  /// The rows of the traces, one for each span.
  fileprivate(set) var traces: [Int64] = []
  /// For each span without a rollout of its own; empty when all have one.
  fileprivate(set) var targets: [Target?] = []
  /// Whether spans that were stored before may depend on these.
  fileprivate(set) var concernsStored = false
  /// Whether bindings of spans of their traces are registered.
  fileprivate var hasSpanBindings = false

  fileprivate let first: Int

  fileprivate init(first: Int) { self.first = first }

  /// The row of the trace of a span of the batch.
  func trace(of index: Int) -> Int64 { traces[index - first] }

  /// Where a span of the batch belongs by rules 4 to 9; `nil` = what it brings itself.
  func target(of index: Int) -> Target? { targets.isEmpty ? nil : targets[index - first] }
}

/// Decides spans as they come in, before they are inserted: to change a row costs as much as to insert it.
///
/// Spans of one request mostly have their parents in the same request.
extension Attribution {
  /// Decides where some spans of a batch belong.
  ///
  /// - Parameter tags: What the tags of the batch stand for.
  func plan(
    _ batch: SpanBatch, _ spans: Range<Int>, _ resolvedTags: [TagResolver.Resolved?], _ tables: inout Tables
  ) throws(SQLiteError) -> ArrivalPlan {
    var plan = ArrivalPlan(first: spans.lowerBound)
    plan.traces.reserveCapacity(spans.count)
    var last: (id: TraceID, tag: Int32, row: Int64)?
    // Nothing of these is stored, not even by this transaction.
    var unseen: Set<Int64> = []
    var hasFollowers = false
    for index in spans {
      let (id, tag) = (batch.spans[index].traceID, batch.spans[index].tag)
      if let last, last.id == id, last.tag == tag {
        plan.traces.append(last.row)
        continue
      }
      let row = try tables.traces.row(of: id)
      let isUnseen = tables.traces.isNew(row) && states[row] == nil
      let state = isUnseen ? try begin(row, id) : try state(of: row, &tables)
      if isUnseen { unseen.insert(row) }
      if state.hasEarlierFollowers || state.isLinked { plan.concernsStored = true }
      if state.hasSpanBindings { plan.hasSpanBindings = true }
      if let resolved = resolvedTags[Int(tag)], resolved.rows.rollout != 0 {
        let rows = resolved.rows
        try learnOwn(
          Place(attempt: rows.attempt, rollout: rows.rollout, namesAttempt: batch.tags[Int(tag)].attemptID != nil),
          of: row, state, &tables)
      } else {
        hasFollowers = true
        states[row]?.hasFollowers = true
      }
      plan.traces.append(row)
      last = (id, tag, row)
    }
    if hasFollowers {
      var followers = Followers(
        batch, spans, plan.traces, unseen, resolvedTags, hasSpanBindings: plan.hasSpanBindings)
      plan.targets = try targets(&followers, &tables)
    }
    return plan
  }

  /// Adds the place of a span that is about to be stored to what is known of its trace.
  ///
  /// Should the span turn out to be stored already, under another tag, it is found out from scratch.
  private func learnOwn(_ place: Place, of trace: Int64, _ state: TraceState, _ tables: inout Tables)
    throws(SQLiteError)
  {
    if state.known == .one(place) { return }
    var known = state.known
    known.add(place)
    try learn(known, of: trace, isPlanning: true, &tables)
  }

  /// The spans of a part of a batch, by their ids.
  private struct Followers {
    enum Search {
      case open
      case done(Inheritance?)
    }

    struct ID: Hashable {
      var trace: Int64
      var spanID: SpanID
    }

    let batch: SpanBatch
    let spans: Range<Int>
    let traces: [Int64]
    let unseen: Set<Int64>
    let resolvedTags: [TagResolver.Resolved?]
    let hasSpanBindings: Bool
    var indices: [ID: Int] = [:]
    var searches: [Search?]
    var sessions: [Int: [SpanSession]] = [:]
    var linking: Set<Int> = []
    /// The spans that a search has gone up by.
    var path: [Int] = []

    init(
      _ batch: SpanBatch, _ spans: Range<Int>, _ traces: [Int64], _ unseen: Set<Int64>,
      _ resolvedTags: [TagResolver.Resolved?], hasSpanBindings: Bool
    ) {
      self.hasSpanBindings = hasSpanBindings
      self.batch = batch
      self.spans = spans
      self.traces = traces
      self.unseen = unseen
      self.resolvedTags = resolvedTags
      searches = Array(repeating: nil, count: spans.count)
      indices.reserveCapacity(spans.count)
      for index in spans {
        // Of two under the same ids one will turn out to be a variant, and then those below are looked at again.
        indices[ID(trace: traces[index - spans.lowerBound], spanID: batch.spans[index].spanID)] = index
      }
      for session in batch.sessions where spans.contains(session.span) {
        sessions[session.span, default: []].append(session)
      }
      for link in batch.links where spans.contains(link.span) { linking.insert(link.span) }
    }

    func trace(of index: Int) -> Int64 { traces[index - spans.lowerBound] }

    /// The rollout that a span brings itself.
    func ownTag(of index: Int) -> TagResolver.Resolved? {
      guard let tag = resolvedTags[Int(batch.spans[index].tag)], tag.rows.rollout != 0 else { return nil }
      return tag
    }
  }

  private func targets(_ followers: inout Followers, _ tables: inout Tables) throws(SQLiteError)
    -> [ArrivalPlan.Target?]
  {
    if followers.hasSpanBindings { try learnBoundSpans(followers, &tables) }
    var targets = [ArrivalPlan.Target?](repeating: nil, count: followers.spans.count)
    // Neighbours mostly belong to the same place.
    var last: (attempt: Int64, tag: TagResolver.Resolved)?
    for index in followers.spans where followers.ownTag(of: index) == nil {
      guard let found = try assignment(of: index, &followers, &tables) else { continue }
      if let attempt = followers.batch.tags[Int(followers.batch.spans[index].tag)].attemptID {
        let rollout = try places.tag(of: found.place.attempt).rolloutID
        let tag = try tables.tags.resolve(RolloutTag(rolloutID: rollout, attemptID: attempt), received: received)
        targets[index - followers.spans.lowerBound] = ArrivalPlan.Target(tag: tag, rule: found.rule)
        continue
      }
      if last?.attempt != found.place.attempt {
        let tag = try tables.tags.resolve(try places.tag(of: found.place.attempt), received: received)
        last = (found.place.attempt, tag)
      }
      if let last { targets[index - followers.spans.lowerBound] = ArrivalPlan.Target(tag: last.tag, rule: found.rule) }
    }
    return targets
  }

  /// Bindings of spans that are about to be stored become known to their traces.
  private func learnBoundSpans(_ followers: Followers, _ tables: inout Tables) throws(SQLiteError) {
    for index in followers.spans where followers.ownTag(of: index) == nil {
      let trace = followers.trace(of: index)
      let state = try state(of: trace, &tables)
      guard state.hasSpanBindings else { continue }
      let spanID = Int64(bitPattern: followers.batch.spans[index].spanID.value)
      // The spans of their own that are stored under these ids say more than a binding of the ids.
      if !followers.unseen.contains(trace), try nodes.node(trace, spanID).hasOwnRollout { continue }
      var known = state.known
      for binding in try bindings.of(state.id, spanID) { known.add(try places.place(of: binding.attempt)) }
      try learn(known, of: trace, isPlanning: true, &tables)
    }
  }

  private func assignment(of index: Int, _ followers: inout Followers, _ tables: inout Tables) throws(SQLiteError)
    -> Assignment?
  {
    if let found = try inheritance(of: index, &followers, &tables) {
      return Assignment(place: found.place, rule: found.rule)
    }
    let trace = followers.trace(of: index)
    if let place = try state(of: trace, &tables).known.place { return Assignment(place: place, rule: .binding) }
    // A link goes before a session. Its target may be in this batch: it is looked at when that is stored.
    if followers.linking.contains(index) { return nil }
    var rows: [Int64] = []
    if sessions.mayHaveSome || autoRollout == .session, let named = followers.sessions[index] {
      for session in named.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
        rows.append(try sessions.row(of: session.value))
      }
    }
    let start = Int64(bitPattern: followers.batch.spans[index].startTime)
    return try assigned(bySessions: rows, start: start, of: trace, &tables)
  }

  /// Rules 4 and 5 for a span of the batch: up through the batch, then on in the store.
  private func inheritance(of index: Int, _ followers: inout Followers, _ tables: inout Tables) throws(SQLiteError)
    -> Inheritance?
  {
    var next = index
    var found: Inheritance?
    followers.path.removeAll(keepingCapacity: true)
    search: while true {
      let slot = next - followers.spans.lowerBound
      switch followers.searches[slot] {
      case .done(let known)?:
        found = known
        break search
      case .open?: break search
      case nil: break
      }
      followers.searches[slot] = .open
      followers.path.append(next)
      let span = followers.batch.spans[next]
      let trace = followers.traces[slot]
      if followers.hasSpanBindings {
        switch try boundPlaces(of: Int64(bitPattern: span.spanID.value), of: trace, &tables) {
        case .one(let place):
          found = Inheritance(place: place, rule: .subtree)
          break search
        case .contradiction: break search
        case .nothing: break
        }
      }
      guard span.parentID.isValid else { break }
      if let parent = followers.indices[Followers.ID(trace: trace, spanID: span.parentID)] {
        guard let own = followers.ownTag(of: parent) else {
          next = parent
          continue
        }
        let namesAttempt = followers.batch.tags[Int(followers.batch.spans[parent].tag)].attemptID != nil
        found = Inheritance(
          place: Place(attempt: own.rows.attempt, rollout: own.rows.rollout, namesAttempt: namesAttempt),
          rule: .ancestor)
      } else {
        let hasBindings = followers.hasSpanBindings ? try state(of: trace, &tables).hasSpanBindings : false
        guard hasBindings || !followers.unseen.contains(trace) else { break }
        found = try handedDown(by: Int64(bitPattern: span.parentID.value), of: trace, &tables)
      }
      break
    }
    for index in followers.path { followers.searches[index - followers.spans.lowerBound] = .done(found) }
    return found
  }

  // MARK: After the spans are stored

  /// Notes what spans name, and has those looked at again that depend on what has come.
  ///
  /// - Parameter variants: The variants of spans that are not 0, by their place in the batch; -1 for duplicates.
  func didInsert(
    _ batch: SpanBatch, _ spans: Range<Int>, _ plan: ArrivalPlan, _ variants: [Int: Int64], _ tables: inout Tables
  ) throws(SQLiteError) {
    if plan.concernsStored { try lookBack(batch, spans, plan, variants, &tables) }
    try addFacts(batch, spans, plan, variants, &tables)
    try lookBelow(batch, plan, variants, &tables)
    let unsure = unsureTraces
    unsureTraces.removeAll(keepingCapacity: true)
    for trace in unsure { try learn(try knownPlaces(of: trace, &tables), of: trace, &tables) }
    guard !plan.targets.isEmpty else { return }
    var last: Int64?
    for index in spans where plan.trace(of: index) != last {
      last = plan.trace(of: index)
      states[plan.trace(of: index)]?.hasEarlierFollowers = true
    }
  }

  /// Has those looked at that name a span as parent which was stored before, under the same ids.
  private func lookBelow(
    _ batch: SpanBatch, _ plan: ArrivalPlan, _ variants: [Int: Int64], _ tables: inout Tables
  ) throws(SQLiteError) {
    for (index, variant) in variants {
      let trace = plan.trace(of: index)
      let spanID = Int64(bitPattern: batch.spans[index].spanID.value)
      // Those in the batch were decided by what this batch says of it.
      if variant > 0 || !plan.targets.isEmpty {
        queue.add(RetagTask(kind: .children, subject: trace, spanID: spanID))
      }
      guard variant > 0 else { continue }
      states[trace]?.hasVariants = true
      unsureTraces.insert(trace)
      // In a cycle, what it has inherited may be what spans under its own ids have handed up.
      let key = SpanKey(trace: trace, spanID: spanID, variant: variant)
      if let row = try nodes.row(key), !row.code.hasOwnRollout {
        try pass(try settled(row, of: trace, &tables), to: row, isAlone: false, trace, &tables)
      }
      if try state(of: trace, &tables).isLinked { try lookAtLinkers(of: spanID, of: trace, &tables) }
    }
  }

  /// Finds stored spans that name a new one as parent, or link to it.
  private func lookBack(
    _ batch: SpanBatch, _ spans: Range<Int>, _ plan: ArrivalPlan, _ variants: [Int: Int64], _ tables: inout Tables
  ) throws(SQLiteError) {
    for index in spans where (variants[index] ?? 0) >= 0 {
      let trace = plan.trace(of: index)
      let state = try state(of: trace, &tables)
      guard state.hasEarlierFollowers || state.isLinked else { continue }
      let spanID = Int64(bitPattern: batch.spans[index].spanID.value)
      let isOwn = batch.tags[Int(batch.spans[index].tag)].rolloutID != nil
      let rule = isOwn ? .explicit : plan.target(of: index)?.rule ?? .none
      if state.hasEarlierFollowers, (1...5).contains(rule.rawValue),
        try hasChildren(spanID, of: trace, plan.target(of: index))
      {
        queue.add(RetagTask(kind: .children, subject: trace, spanID: spanID))
      }
      if state.isLinked, (1...6).contains(rule.rawValue) { try lookAtLinkers(of: spanID, of: trace, &tables) }
    }
  }

  /// Whether stored spans name one as parent that do not belong where it does.
  private func hasChildren(_ spanID: Int64, of trace: Int64, _ target: ArrivalPlan.Target?) throws(SQLiteError)
    -> Bool
  {
    let few = 16
    let children = try nodes.children(trace, of: spanID, limit: few)
    // Mostly they have come in the same batch, and were decided with it.
    guard let target, children.count < few else { return !children.isEmpty }
    return children.contains { $0.attempt != target.tag.rows.attempt || $0.code.rollout != target.rule }
  }

  private func addFacts(
    _ batch: SpanBatch, _ spans: Range<Int>, _ plan: ArrivalPlan, _ variants: [Int: Int64], _ tables: inout Tables
  ) throws(SQLiteError) {
    func key(_ index: Int) -> SpanKey? {
      let variant = variants[index] ?? 0
      guard spans.contains(index), variant >= 0 else { return nil }
      return SpanKey(
        trace: plan.trace(of: index), spanID: Int64(bitPattern: batch.spans[index].spanID.value), variant: variant)
    }
    for session in batch.sessions {
      guard let span = key(session.span) else { continue }
      try sessions.add(session.key, session: try sessions.row(of: session.value), to: span)
    }
    var positions: [Int: Int] = [:]
    for link in batch.links {
      guard let span = key(link.span) else { continue }
      try links.add(link, position: positions[link.span, default: 0], to: span)
      positions[link.span, default: 0] += 1
      if let target = try tables.traces.existingRow(of: link.traceID) { states[target]?.isLinked = true }
    }
    for index in positions.keys {
      if let span = key(index) { try decideAgain(span, &tables) }
    }
  }
}

extension Attribution {
  /// Takes the tag of a span that is stored already into account.
  ///
  /// Of the tags that the repeats of a span have brought one counts, whichever came first.
  func didRepeat(_ span: SpanKey, _ tag: RolloutTag, _ tables: inout Tables) throws(SQLiteError) {
    guard let row = try nodes.row(span) else { return }
    let stored = try ownTag(of: row)
    // What was learned of the trace when this came may not be so.
    if tag != stored, tag.rolloutID != nil { unsureTraces.insert(span.trace) }
    guard tag != stored, Self.counts(tag, before: stored) else { return }
    var code = RuleCode(own: tag)
    code.isNumberIssued = row.code.isNumberIssued
    var target = tag
    if tag.rolloutID == nil {
      // Only the attempt is its own; the rollout stays where it came from.
      code = code.with(rollout: row.code.rollout)
      target.rolloutID = try places.tag(of: row.attempt).rolloutID
    }
    change(row, of: span.trace, code, try tables.tags.resolve(target, received: received))
    if tag.rolloutID != nil {
      queue.add(RetagTask(kind: .children, subject: span.trace, spanID: span.spanID))
    }
    if try state(of: span.trace, &tables).isLinked { try lookAtLinkers(of: span.spanID, of: span.trace, &tables) }
  }

  /// What a stored span brought itself.
  private func ownTag(of row: NodeRow) throws(SQLiteError) -> RolloutTag {
    let tag = try places.tag(of: row.attempt)
    let attemptRule = row.code.ownAttempt
    if row.code.hasOwnRollout {
      let rule = row.code.rollout
      return RolloutTag(
        rolloutID: tag.rolloutID, attemptID: tag.attemptID, rule: rule,
        attemptRule: tag.attemptID == nil || attemptRule == .none ? rule : attemptRule)
    }
    return attemptRule == .none ? .unassigned : RolloutTag(attemptID: tag.attemptID, rule: attemptRule)
  }

  /// Whether a tag counts before another one of the same span.
  private static func counts(_ tag: RolloutTag, before other: RolloutTag) -> Bool {
    func rank(_ tag: RolloutTag) -> (Int, [UInt8], Int, [UInt8]) {
      (
        tag.rolloutID == nil ? .max : Int(tag.rule.rawValue), Array((tag.rolloutID ?? "").utf8),
        tag.attemptID == nil ? .max : Int(tag.attemptRule.rawValue), Array((tag.attemptID ?? "").utf8)
      )
    }
    let (first, second) = (rank(tag), rank(other))
    if first.0 != second.0 { return first.0 < second.0 }
    if first.1 != second.1 { return first.1.lexicographicallyPrecedes(second.1) }
    if first.2 != second.2 { return first.2 < second.2 }
    return first.3.lexicographicallyPrecedes(second.3)
  }
}
