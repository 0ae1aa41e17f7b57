import SQLite
import Telemetry
import TraceStore

/// Finds out what each rule says of a stored span, for people who ask.
///
/// It follows the same rules as ``Attribution``, in a snapshot, and goes on where those end with the first answer.
final class AttributionExaminer {
  private let trace: Int64
  private let traceID: TraceID
  private let autoRollout: AutoRollout
  private var nodes: SpanNodes
  private var bindings: BindingTable
  private var sessions: SessionTable
  private var links: LinkTable
  private var places: PlaceTable
  private var others: Statement
  private var registration: Statement
  private var pending: Statement
  /// The bindings of the trace and of its spans.
  private let registered: [BindingTable.Entry]

  init(_ connection: borrowing Connection, trace: Int64, _ traceID: TraceID, autoRollout: AutoRollout)
    throws(SQLiteError)
  {
    self.trace = trace
    self.traceID = traceID
    self.autoRollout = autoRollout
    nodes = try SpanNodes(connection)
    var bindings = try BindingTable(connection)
    registered = try bindings.of(traceID)
    self.bindings = bindings
    sessions = try SessionTable(connection)
    links = try LinkTable(connection)
    places = try PlaceTable(connection)
    others = try connection.prepare(
      """
      SELECT attempt, count(*) FROM spans
      WHERE trace = ?1 AND NOT (\(RuleCode.isFollower)) AND NOT (span_id = ?2 AND variant = ?3) GROUP BY attempt
      """)
    registration = try connection.prepare(
      """
      SELECT sessions.id, name, rollout_id, attempt_id, sessions.start_time, sessions.end_time, created
      FROM sessions JOIN session_names ON session_names.id = session JOIN attempts ON attempts.id = attempt
        JOIN rollouts ON rollouts.id = attempts.rollout
      WHERE sessions.id = ?1
      """)
    // Work on links and sessions concerns spans of any trace.
    pending = try connection.prepare("SELECT 1 FROM retag_work WHERE kind IN (3, 4) OR subject = ?1 LIMIT 1")
  }

  /// Reports on the spans under some ids.
  func reports(on spanID: SpanID, _ traces: inout TraceFinder) throws(SQLiteError) -> [AttributionReport] {
    var reports: [AttributionReport] = []
    for row in try nodes.node(trace, Int64(bitPattern: spanID.value)).rows {
      reports.append(try report(on: row, spanID, &traces))
    }
    return reports
  }

  private func report(on row: NodeRow, _ spanID: SpanID, _ traces: inout TraceFinder) throws(SQLiteError)
    -> AttributionReport
  {
    let tag = try places.tag(of: row.attempt)
    var findings: [AttributionReport.Finding] = []
    if row.code.hasOwnRollout, let place = try place(row.attempt) {
      findings.append(AttributionReport.Finding(rule: row.code.rollout, place: place, evidence: .own))
    }
    if let found = try inherited(by: row) { findings.append(found) }
    let known = try known(without: row)
    if let place = known.agreement.place, let named = try self.place(place.attempt) {
      findings.append(
        AttributionReport.Finding(
          rule: .binding, place: named, evidence: .trace(bindings: known.bindings, spans: known.spans)))
    }
    if let found = try linked(row, &traces) { findings.append(found) }
    let span = SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)
    let named = try sessions.of(span)
    if let found = try sessionFinding(named, row) { findings.append(found) }
    if let found = try autoFinding(named) { findings.append(found) }
    try pending.bind(trace, at: 1)
    return AttributionReport(
      traceID: traceID, spanID: spanID, variant: row.variant,
      parentID: row.parentID == 0 ? nil : SpanID(value: UInt64(bitPattern: row.parentID)), rolloutID: tag.rolloutID,
      attemptID: tag.attemptID, rule: row.code.shown, sequence: row.sequence, findings: findings,
      contradictions: known.agreement == .contradiction ? known.places : [],
      isPending: try pending.first { (_: borrowing Row) in true } ?? false)
  }

  private func place(_ attempt: Int64) throws(SQLiteError) -> RolloutPlace? {
    let tag = try places.tag(of: attempt)
    return tag.rolloutID.map { RolloutPlace(rolloutID: $0, attemptID: tag.attemptID) }
  }

  private func binding(_ entry: BindingTable.Entry) throws(SQLiteError) -> TraceBinding {
    let tag = try places.tag(of: entry.attempt)
    let spanID = entry.spanID == 0 ? nil : SpanID(value: UInt64(bitPattern: entry.spanID))
    return TraceBinding(
      id: entry.id,
      new: NewBinding(
        traceID: traceID, spanID: spanID, rolloutID: tag.rolloutID ?? "", attemptID: tag.attemptID),
      created: entry.created)
  }

  /// Rules 4 and 5.
  private func inherited(by row: NodeRow) throws(SQLiteError) -> AttributionReport.Finding? {
    var met: Set<Int64> = []
    var next = row
    while true {
      if registered.contains(where: { $0.spanID == next.spanID }) { return try bound(next.spanID) }
      guard next.parentID != 0, met.insert(next.spanID).inserted, !met.contains(next.parentID) else { return nil }
      let parent = try nodes.node(trace, next.parentID)
      guard parent.isStored else { return try bound(next.parentID) }
      if parent.hasOwnRollout {
        var agreement = Agreement.nothing
        for row in parent.rows where row.code.hasOwnRollout { agreement.add(try places.place(of: row.attempt)) }
        guard let place = agreement.place, let named = try self.place(place.attempt),
          let source = parent.rows.first(where: { $0.code.hasOwnRollout && $0.attempt == place.attempt })
        else { return nil }
        return AttributionReport.Finding(
          rule: .ancestor, place: named,
          evidence: .span(
            traceID, SpanID(value: UInt64(bitPattern: source.spanID)), rule: source.code.rollout))
      }
      guard let upward = parent.upward ?? parent.rows.first else { return nil }
      next = upward
    }
  }

  private func bound(_ spanID: Int64) throws(SQLiteError) -> AttributionReport.Finding? {
    var agreement = Agreement.nothing
    var evidence: [TraceBinding] = []
    for entry in registered where entry.spanID == spanID {
      agreement.add(try places.place(of: entry.attempt))
      evidence.append(try binding(entry))
    }
    guard let place = agreement.place, let named = try self.place(place.attempt) else { return nil }
    return AttributionReport.Finding(rule: .subtree, place: named, evidence: .bindings(evidence))
  }

  private struct Known {
    var agreement = Agreement.nothing
    var places: [RolloutPlace] = []
    var bindings: [TraceBinding] = []
    var spans: Int64 = 0
  }

  /// Rule 6, by what others than this span say.
  private func known(without row: NodeRow) throws(SQLiteError) -> Known {
    var known = Known()
    var attempts: [Int64] = []
    try others.bind(trace, at: 1)
    try others.bind(row.spanID, at: 2)
    try others.bind(row.variant, at: 3)
    try others.forEach { (row: borrowing Row) in
      attempts.append(row.int(at: 0))
      known.spans += row.int(at: 1)
    }
    for entry in registered {
      if entry.spanID != 0 {
        let node = try nodes.node(trace, entry.spanID)
        guard node.isStored, !node.hasOwnRollout else { continue }
      }
      attempts.append(entry.attempt)
      known.bindings.append(try binding(entry))
    }
    for attempt in Set(attempts).sorted() {
      known.agreement.add(try places.place(of: attempt))
      if let place = try place(attempt) { known.places.append(place) }
    }
    return known
  }

  /// Rule 7.
  private func linked(_ row: NodeRow, _ traces: inout TraceFinder) throws(SQLiteError)
    -> AttributionReport.Finding?
  {
    for link in try links.of(SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)) {
      guard let target = try traces.row(of: link.traceID) else { continue }
      var agreement = Agreement.nothing
      var rule = TagRule.none
      for row in try nodes.node(target, link.spanID).rows where (1...6).contains(row.code.rollout.rawValue) {
        agreement.add(try places.place(of: row.attempt))
        rule = row.code.rollout
      }
      guard let place = agreement.place, let named = try self.place(place.attempt) else { continue }
      return AttributionReport.Finding(
        rule: .link, place: named,
        evidence: .span(link.traceID, SpanID(value: UInt64(bitPattern: link.spanID)), rule: rule))
    }
    return nil
  }

  /// Rule 8.
  private func sessionFinding(_ named: [Int64], _ row: NodeRow) throws(SQLiteError)
    -> AttributionReport.Finding?
  {
    for session in named {
      guard let found = try sessions.registration(of: session, holding: UInt64(bitPattern: row.start)) else { continue }
      try registration.bind(found.id, at: 1)
      let entry = try registration.first { (row: borrowing Row) in SessionRegistration(row) }
      guard let entry else { continue }
      return AttributionReport.Finding(
        rule: .session, place: RolloutPlace(rolloutID: entry.new.rolloutID, attemptID: entry.new.attemptID),
        evidence: .session(entry))
    }
    return nil
  }

  /// Rule 9.
  private func autoFinding(_ named: [Int64]) throws(SQLiteError) -> AttributionReport.Finding? {
    let id: String
    switch autoRollout {
    case .off: return nil
    case .trace: id = AutoRollout.rolloutID(ofTrace: traceID)
    case .session:
      guard let session = named.first else { return nil }
      id = AutoRollout.rolloutID(ofSession: try sessions.name(of: session))
    }
    return AttributionReport.Finding(
      rule: .auto, place: RolloutPlace(rolloutID: id), evidence: .option(autoRollout))
  }
}

extension SessionRegistration {
  /// Reads id, session, rollout, attempt, start, end and time of registration.
  init(_ row: borrowing Row) {
    self.init(
      id: row.int(at: 0),
      new: NewSession(
        session: row.string(at: 1), rolloutID: row.string(at: 2), attemptID: row.optionalString(at: 3),
        from: UInt64(bitPattern: row.int(at: 4)), to: row.optionalInt(at: 5).map { UInt64(bitPattern: $0) }),
      created: row.int(at: 6))
  }
}
