import SQLite
import Telemetry
import TraceStore

/// Takes registrations, and takes them back.
extension Attribution {
  func bind(_ new: NewBinding, _ tables: inout Tables) throws(SQLiteError) -> (binding: TraceBinding, isNew: Bool) {
    let place = try place(RolloutTag(rolloutID: new.rolloutID, attemptID: new.attemptID), &tables)
    let spanID = Int64(bitPattern: new.spanID?.value ?? 0)
    let (entry, isNew) = try bindings.add(new.traceID, spanID: spanID, attempt: place.attempt, now: received)
    if isNew, let trace = try tables.traces.existingRow(of: new.traceID) {
      var known = try state(of: trace, &tables).known
      if spanID == 0 {
        known.add(place)
        try learn(known, of: trace, &tables)
      } else {
        states[trace]?.hasSpanBindings = true
        try boundDidChange(spanID, of: trace, &tables)
      }
    }
    return (TraceBinding(id: entry.id, new: new, created: entry.created), isNew)
  }

  func unbind(_ id: Int64, _ tables: inout Tables) throws(SQLiteError) -> Bool {
    guard let (traceID, spanID) = try bindings.remove(id) else { return false }
    guard let trace = try tables.traces.existingRow(of: traceID) else { return true }
    if spanID == 0 {
      try learn(try knownPlaces(of: trace, &tables), of: trace, &tables)
    } else {
      try boundDidChange(spanID, of: trace, &tables)
    }
    return true
  }

  private func boundDidChange(_ spanID: Int64, of trace: Int64, _ tables: inout Tables) throws(SQLiteError) {
    // The state of the trace is remembered from here on, so that what it learns is written.
    _ = try state(of: trace, &tables)
    try lookAgain(at: spanID, of: trace, &tables)
  }

  func register(_ new: NewSession, _ tables: inout Tables) throws(SQLiteError) -> (
    registration: SessionRegistration, isNew: Bool
  ) {
    let place = try place(RolloutTag(rolloutID: new.rolloutID, attemptID: new.attemptID), &tables)
    let session = try sessions.row(of: new.session)
    let (entry, isNew) = try sessions.register(
      session: session, from: new.from, to: new.to, attempt: place.attempt, now: received)
    queue.add(RetagTask(kind: .session, subject: session))
    return (SessionRegistration(id: entry.id, new: new, created: entry.created), isNew)
  }

  func unregister(session id: Int64) throws(SQLiteError) -> Bool {
    guard let session = try sessions.remove(id) else { return false }
    queue.add(RetagTask(kind: .session, subject: session))
    return true
  }

  /// Binds the traces of unassigned spans.
  func claim(_ claim: UnassignedClaim, _ tables: inout Tables) throws(SQLiteError) -> ClaimResult {
    var result = ClaimResult(bindings: [], hasMore: false)
    for traceID in try unassignedTraces(claim.spans, &tables) {
      if result.bindings.count == UnassignedClaim.mostTraces {
        result.hasMore = true
        break
      }
      let new = NewBinding(traceID: traceID, rolloutID: claim.rolloutID, attemptID: claim.attemptID)
      let (binding, isNew) = try bind(new, &tables)
      // What is bound already and still unassigned is bound to others too: once more makes no difference.
      if isNew { result.bindings.append(binding) }
    }
    return result
  }

  private func unassignedTraces(_ spans: UnassignedClaim.Spans, _ tables: inout Tables) throws(SQLiteError)
    -> [TraceID]
  {
    // One more than is bound, and those that are bound in vain already.
    let limit = Int64(4 * UnassignedClaim.mostTraces)
    var found: [TraceID] = []
    switch spans {
    case .traces(let ids):
      for id in ids {
        guard let trace = try tables.traces.existingRow(of: id) else { continue }
        try statements.isUnassigned.bind(trace, at: 1)
        if try statements.isUnassigned.first({ (_: borrowing Row) in true }) == true { found.append(id) }
      }
    case .session(let name):
      try statements.unassignedOfSession.bind(name, at: 1)
      try statements.unassignedOfSession.bind(limit, at: 2)
      try statements.unassignedOfSession.forEach { (row: borrowing Row) in
        if let id = TraceID(row.bytes(at: 0)) { found.append(id) }
      }
    case .window(let from, let to):
      try statements.unassignedInWindow.bind(Int64(clamping: from), at: 1)
      try statements.unassignedInWindow.bind(Int64(clamping: to), at: 2)
      try statements.unassignedInWindow.bind(limit, at: 3)
      try statements.unassignedInWindow.forEach { (row: borrowing Row) in
        if let id = TraceID(row.bytes(at: 0)) { found.append(id) }
      }
    }
    return found
  }
}
