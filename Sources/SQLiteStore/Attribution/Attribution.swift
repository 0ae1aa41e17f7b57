import SQLite
import Telemetry
import TraceStore

/// Decides where spans belong, and keeps that true when later facts come.
///
/// The rules, from the strongest to the weakest, are in ``Attribution/settled(_:of:)`` and
/// ``Attribution/assigned(to:of:)``; a rollout that a span brings itself goes before all of them. What they say to the letter
/// is decision 11. Spans are decided as they come in (`Attribution+Arrival`), and again when another span, a binding or a
/// session changes what holds for them (`Attribution+Retagging`).
final class Attribution {
  /// What a span gets from above: from bindings of itself and from its ancestors.
  struct Inheritance: Hashable {
    var place: Place
    /// `subtree` or `ancestor`.
    var rule: TagRule
  }

  /// Where a span belongs, and why.
  struct Assignment: Hashable {
    var place: Place
    var rule: TagRule
  }

  /// The tables that the writer shares with attribution.
  struct Tables: ~Copyable {
    var traces: TraceIndex
    var tags: TagResolver
  }

  /// Nodes that a search goes up by itself: further up it believes what is stored.
  private static let longestSearch = 1_000

  /// Nodes that searches have gone up by in this transaction.
  var steps = 0
  var nodes: SpanNodes
  var bindings: BindingTable
  var sessions: SessionTable
  var links: LinkTable
  var places: PlaceTable
  var states: TraceStates
  var queue: RetagQueue
  var statements: RetagStatements
  /// What subscribers hear of when the transaction is there.
  var retags = RetagCollection()
  /// Notes changed spans for those who send them on.
  var outbox: ForwardOutbox?
  let autoRollout: AutoRollout
  private let patience: Int
  private var hidesSome = false
  /// What spans with an attempt of their own have been given to inherit in this transaction.
  var hidden: [SpanKey: Inheritance?] = [:]
  /// The place that a stored span was given last, while many are.
  var lastResolved: TagResolver.Resolved?
  /// Traces of which something else may be known than was learned before their spans were stored.
  var unsureTraces: Set<Int64> = []
  /// The time of the transaction.
  var received: Int64 = 0

  init(_ connection: borrowing Connection, autoRollout: AutoRollout, patience: Int) throws(SQLiteError) {
    nodes = try SpanNodes(connection, patience: patience)
    bindings = try BindingTable(connection)
    sessions = try SessionTable(connection)
    links = try LinkTable(connection)
    places = try PlaceTable(connection)
    states = try TraceStates(connection)
    queue = try RetagQueue(connection)
    statements = try RetagStatements(connection)
    self.autoRollout = autoRollout
    self.patience = patience
  }

  /// Has spans of attempts that are being deleted count as gone.
  func hide(_ deletions: Set<RolloutRemover.Deletion>, _ connection: borrowing Connection) throws(SQLiteError) {
    guard hidesSome == deletions.isEmpty else { return }
    hidesSome = !deletions.isEmpty
    nodes = try SpanNodes(connection, patience: patience, hidesSome: hidesSome)
  }

  // MARK: The rules

  /// Rules 4 and 5 for a stored span: its own bindings, and else what its parent hands down.
  ///
  /// Only a way up that leads back to the span's own ids gives nothing: what is stored there may have come from these.
  func settled(_ row: NodeRow, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> Inheritance? {
    switch try boundPlaces(of: row.spanID, of: trace, &tables) {
    case .one(let place): return Inheritance(place: place, rule: .subtree)
    case .contradiction: return nil
    case .nothing: break
    }
    var met: Set<Int64> = []
    var next = row.parentID
    while next != 0, met.insert(next).inserted, met.count <= Self.longestSearch {
      steps += 1
      if next == row.spanID { return nil }
      let node = try nodes.node(trace, next)
      if node.hasOwnRollout { break }
      if try boundPlaces(of: next, of: trace, &tables) != .nothing { break }
      next = node.upward?.parentID ?? 0
    }
    return row.parentID == 0 ? nil : try handedDown(by: row.parentID, of: trace, &tables)
  }

  /// What the bindings of a span give to those below it, whether it is stored or not.
  private func bound(_ spanID: Int64, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> Inheritance? {
    try boundPlaces(of: spanID, of: trace, &tables).place.map { Inheritance(place: $0, rule: .subtree) }
  }

  /// Rules 6 to 9, for a span that inherits nothing.
  func assigned(to row: NodeRow, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> Assignment? {
    let span = SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)
    if let place = try state(of: trace, &tables).known.place { return Assignment(place: place, rule: .binding) }
    for link in try links.of(span) {
      if let place = try taggedPlace(of: link.spanID, of: link.traceID, &tables) {
        return Assignment(place: place, rule: .link)
      }
    }
    let sessionRows = sessions.mayHaveSome || autoRollout == .session ? try sessions.of(span) : []
    return try assigned(bySessions: sessionRows, start: row.start, of: trace, &tables)
  }

  /// Rules 8 and 9.
  ///
  /// - Parameter sessionRows: The sessions that the span names, in the order in which they count.
  func assigned(bySessions sessionRows: [Int64], start: Int64, of trace: Int64, _ tables: inout Tables)
    throws(SQLiteError) -> Assignment?
  {
    for session in sessionRows {
      if let found = try sessions.registration(of: session, holding: UInt64(bitPattern: start)) {
        return Assignment(place: try places.place(of: found.attempt), rule: .session)
      }
    }
    switch autoRollout {
    case .off: return nil
    case .trace:
      let id = AutoRollout.rolloutID(ofTrace: try state(of: trace, &tables).id)
      return Assignment(place: try place(RolloutTag(rolloutID: id), &tables), rule: .auto)
    case .session:
      guard let session = sessionRows.first else { return nil }
      let id = AutoRollout.rolloutID(ofSession: try sessions.name(of: session))
      return Assignment(place: try place(RolloutTag(rolloutID: id), &tables), rule: .auto)
    }
  }

  // MARK: Evidence

  /// What the spans of a node with rollouts of their own agree on.
  func ownPlaces(of node: SpanNode) throws(SQLiteError) -> Agreement {
    var agreement = Agreement.nothing
    for row in node.rows where row.code.hasOwnRollout { agreement.add(try places.place(of: row.attempt)) }
    return agreement
  }

  /// What the registered bindings of a span agree on.
  func boundPlaces(of spanID: Int64, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> Agreement {
    var agreement = Agreement.nothing
    let state = try state(of: trace, &tables)
    guard state.hasSpanBindings else { return agreement }
    for binding in try bindings.of(state.id, spanID) { agreement.add(try places.place(of: binding.attempt)) }
    return agreement
  }

  /// What a span hands down to those that name it as parent.
  ///
  /// It goes by what is stored of the span, never ahead of it: what changes above is handed down by way of it, and what takes
  /// that back before it has come this far would not be told to those below.
  func handedDown(by spanID: Int64, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> Inheritance? {
    var met: Set<Int64> = []
    var next = spanID
    while true {
      let node = try nodes.node(trace, next)
      if node.hasOwnRollout { return try ownPlaces(of: node).place.map { Inheritance(place: $0, rule: .ancestor) } }
      guard let row = node.upward ?? node.rows.first else { return try bound(next, of: trace, &tables) }
      let rule = row.code.rollout
      // One that has inherited nothing hands nothing down.
      guard rule == .subtree || rule == .ancestor else { return nil }
      let stored = Inheritance(place: try places.place(of: row.attempt), rule: rule)
      guard row.code.ownAttempt != .none else { return stored }
      // An attempt of its own hides the one that it has inherited. That is the one which its parent hands down: should the
      // parent have changed meanwhile, this span and those below it are yet to be told.
      if let known = hidden[SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)] { return known }
      switch try boundPlaces(of: row.spanID, of: trace, &tables) {
      case .one(let place): return Inheritance(place: place, rule: .subtree)
      case .contradiction: return nil
      case .nothing: break
      }
      guard row.parentID != 0, met.insert(row.spanID).inserted, !met.contains(row.parentID) else { return nil }
      if met.count == Self.longestSearch { return stored }
      steps += 1
      next = row.parentID
    }
  }

  /// What the spans under some ids agree on, as far as rules 1 to 6 have tagged them.
  private func taggedPlace(of spanID: Int64, of traceID: TraceID, _ tables: inout Tables) throws(SQLiteError) -> Place?
  {
    guard let trace = try tables.traces.existingRow(of: traceID) else { return nil }
    var agreement = Agreement.nothing
    for row in try nodes.node(trace, spanID).rows where (1...6).contains(row.code.rollout.rawValue) {
      agreement.add(try places.place(of: row.attempt))
    }
    return agreement.place
  }

  /// The place of a tag, made when it is new.
  func place(_ tag: RolloutTag, _ tables: inout Tables) throws(SQLiteError) -> Place {
    let rows = try tables.tags.resolve(tag, received: received).rows
    return Place(attempt: rows.attempt, rollout: rows.rollout, namesAttempt: tag.attemptID != nil)
  }

  // MARK: Traces

  /// What is known of a trace that is stored, or new in this transaction.
  func state(of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> TraceState {
    if let state = states[trace] { return state }
    let stored = try states.stored(trace)
    let registered = try bindings.of(stored.id)
    let hasFollowers = try nodes.hasFollowers(trace)
    var state = TraceState(
      id: stored.id, known: .nothing, hasFollowers: hasFollowers, hasEarlierFollowers: hasFollowers,
      hasSpanBindings: registered.contains { $0.spanID != 0 }, isLinked: try links.isTarget(stored.id),
      hasVariants: try nodes.hasVariants(trace))
    states[trace] = state
    switch stored.binding {
    case 0?: break
    case .some(-1): state.known = .contradiction
    // The rollout may have been deleted since.
    case let attempt? where try places.has(attempt): state.known = .one(try places.place(of: attempt))
    default:
      state.known = try knownPlaces(of: trace, &tables)
      states.set(state.known, of: trace)
    }
    states[trace] = state
    return state
  }

  /// Begins the state of a trace that has come with this transaction.
  func begin(_ trace: Int64, _ id: TraceID) throws(SQLiteError) -> TraceState {
    var state = TraceState(
      id: id, known: .nothing, hasFollowers: false, hasEarlierFollowers: false, hasSpanBindings: false,
      isLinked: try links.isTarget(id),
      hasVariants: false)
    for binding in try bindings.of(id) {
      if binding.spanID == 0 {
        state.known.add(try places.place(of: binding.attempt))
      } else {
        state.hasSpanBindings = true
      }
    }
    states[trace] = state
    return state
  }

  /// What the spans with rollouts of their own and the registered bindings of a trace agree on, from scratch.
  func knownPlaces(of trace: Int64, _ tables: inout Tables) throws(SQLiteError) -> Agreement {
    try writeChanges(&tables)
    var known = Agreement.nothing
    for attempt in try nodes.ownAttempts(trace) { known.add(try places.place(of: attempt)) }
    for binding in try bindings.of(try state(of: trace, &tables).id) {
      if binding.spanID != 0 {
        let node = try nodes.node(trace, binding.spanID)
        guard node.isStored, !node.hasOwnRollout else { continue }
      }
      known.add(try places.place(of: binding.attempt))
    }
    return known
  }

  /// Takes what is known of a trace; its spans that inherit nothing are looked at again.
  func learn(_ known: Agreement, of trace: Int64, isPlanning: Bool = false, _ tables: inout Tables)
    throws(SQLiteError)
  {
    let state = try state(of: trace, &tables)
    guard state.known != known else { return }
    states.set(known, of: trace)
    // Those of a batch that is being planned are decided after all that it tells is known.
    if isPlanning ? state.hasEarlierFollowers : state.hasFollowers {
      queue.add(RetagTask(kind: .trace, subject: trace))
    }
  }
}
