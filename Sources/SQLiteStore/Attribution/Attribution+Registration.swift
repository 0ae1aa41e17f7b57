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

  /// Binds traces, as far as they still have unassigned spans.
  func claim(_ traces: [TraceID], _ claim: UnassignedClaim, _ tables: inout Tables) throws(SQLiteError)
    -> [TraceBinding]
  {
    var bindings: [TraceBinding] = []
    for traceID in traces {
      guard let trace = try tables.traces.existingRow(of: traceID) else { continue }
      try statements.isUnassigned.bind(trace, at: 1)
      guard try statements.isUnassigned.first({ (_: borrowing Row) in true }) == true else { continue }
      let new = NewBinding(traceID: traceID, rolloutID: claim.rolloutID, attemptID: claim.attemptID)
      let (binding, isNew) = try bind(new, &tables)
      if isNew { bindings.append(binding) }
    }
    return bindings
  }
}
