import SQLite
import Telemetry
import TraceStore

/// Deletes in small steps, each a part of one transaction.
extension WriterSession {
  /// Deletes rollouts with all that is theirs.
  ///
  /// Their spans go at once as far as the budget reaches. What is larger is taken out of everybody's sight, and goes
  /// with ``continueRemoval(budget:)``. In both cases nobody sees a part of a rollout.
  ///
  /// - Returns: What was deleted, and whether something has yet to go.
  func remove(_ candidates: [RolloutCandidate], budget: Int, received: Int64) throws -> (
    tally: RetentionTally, isUnfinished: Bool
  ) {
    try beginRemoval(received: received)
    var tally = RetentionTally()
    for candidate in candidates {
      guard let id = try removal.checks.id(of: candidate, now: received) else { continue }
      try remove(candidate.row, id, budget: budget - tally.spans, &tally)
      tally.rollouts += 1
    }
    return (tally, !removal.queue.isEmpty)
  }

  /// Goes on with what is being deleted.
  ///
  /// - Returns: `nil` when nothing is left.
  func continueRemoval(budget: Int, received: Int64) throws -> RetentionTally? {
    guard !removal.queue.isEmpty else { return nil }
    try beginRemoval(received: received)
    var tally = RetentionTally()
    while let deletion = removal.queue.first, tally.spans < budget {
      guard try removeSpans(of: deletion, limit: budget - tally.spans, &tally) else { break }
      try removal.rollouts.finish(deletion, connection)
      removal.end(deletion)
    }
    try attribution.hide(removal.deletions, connection)
    return tally
  }

  /// Deletes what traces have of spans of an attempt, as a rule of those without a rollout.
  ///
  /// - Parameter traces: As they were when somebody decided that they are to go.
  func removeTraces(_ traces: [TraceCandidate], budget: Int, received: Int64) throws -> RetentionTally {
    try beginRemoval(received: received)
    var tally = RetentionTally()
    for candidate in traces where tally.spans < budget {
      guard try removal.traces.isUnchanged(candidate) else { continue }
      let removed = try removal.remove(
        of: candidate.attempt, in: candidate.trace, count: candidate.spans, limit: budget - tally.spans)
      tables.tags.remove(
        removed.spans, from: TagResolver.Rows(rollout: candidate.rollout, attempt: candidate.attempt),
        trace: candidate.trace)
      didRemove(removed, of: candidate.trace, &tally)
    }
    return tally
  }

  /// Deletes single spans.
  ///
  /// - Parameter spans: Each with the attempt that it had when somebody decided that it is to go.
  func remove(_ spans: [SurplusSpan], received: Int64) throws -> RetentionTally {
    try beginRemoval(received: received)
    var tally = RetentionTally()
    for span in spans {
      guard let tag = try removal.traces.rows(of: span) else { continue }
      guard let removed = try removal.remove(span.key) else { continue }
      tables.tags.remove(1, from: tag, trace: span.key.trace)
      didRemove(removed, of: span.key.trace, &tally)
    }
    return tally
  }

  /// Moves spans into a new segment.
  ///
  /// - Returns: How many have moved.
  func apply(_ segment: RewrittenSegment) throws -> Int {
    counters.touch()
    return try removal.apply(segment, as: packer.takeID(), connection)
  }

  /// Deletes the spans under some ids if they are of an attempt that is being deleted.
  ///
  /// - Returns: Whether the first one of them was.
  func removeHidden(_ key: SpanKey) throws -> Bool {
    guard let attempt = try removal.traces.attempt(of: key), removal.hides(attempt),
      let removed = try removal.remove(key, keepsTrace: true)
    else { return false }
    var tally = RetentionTally()
    didRemove(removed, of: key.trace, &tally)
    return true
  }

  // MARK: Steps

  private func beginRemoval(received: Int64) throws {
    try settle(received: received)
    removal.spans.delivered = try removal.checks.delivered()
  }

  private func remove(_ row: Int64, _ id: String, budget: Int, _ tally: inout RetentionTally) throws {
    let attempts = try removal.rollouts.attempts(of: row)
    let isLarge = attempts.reduce(0) { $0 + $1.spans } > Int64(max(budget, 0))
    for attempt in attempts {
      try forget(attempt.row)
      if isLarge && attempt.spans > 0 {
        let deletion = RolloutRemover.Deletion(attempt: attempt.row, rollout: row)
        try removal.rollouts.hideAttempt(attempt.row, of: row)
        removal.begin(deletion)
      } else {
        let deletion = RolloutRemover.Deletion(attempt: attempt.row, rollout: row)
        while try !removeSpans(of: deletion, limit: .max / 2, &tally) {}
        try removal.rollouts.removeAttempt(attempt.row, connection)
      }
    }
    try removal.rollouts.removeRollout(row, connection)
    tables.tags.forget(id, attempts: attempts.map(\.id))
    for attempt in attempts { startedAttempts.remove(RolloutTag(rolloutID: id, attemptID: attempt.id)) }
    guard isLarge else { return }
    // What is known of traces may come from spans that are there no more.
    try attribution.states.forgetAll()
    try removal.rollouts.forgetKnowledge(of: attempts.map(\.row), row)
    try attribution.hide(removal.deletions, connection)
  }

  /// Forgets an attempt, and what is registered for it.
  private func forget(_ attempt: Int64) throws {
    attribution.places.forget(attempt)
    rollouts.signs.forget(attempt)
    for id in try removal.rollouts.takeBindings(of: attempt) {
      if let trace = try tables.traces.existingRow(of: id) { try forgetKnowledge(of: trace) }
    }
    for session in try removal.rollouts.sessions(of: attempt) { _ = try attribution.sessions.remove(session) }
    for session in try removal.rollouts.keySessions(of: attempt) { try rollouts.keySessions.remove(session) }
  }

  private func forgetKnowledge(of trace: Int64) throws {
    attribution.states.forget(trace)
    try removal.rollouts.forgetKnowledge(of: trace)
  }

  /// - Returns: Whether nothing is left.
  private func removeSpans(of deletion: RolloutRemover.Deletion, limit: Int, _ tally: inout RetentionTally) throws
    -> Bool
  {
    let traces = try removal.rollouts.traces(of: deletion.attempt, deletion.rollout, limit: 1_024)
    var left = limit
    var last: Int64?
    for trace in traces {
      guard left > 0 else { break }
      let removed = try removal.remove(of: deletion.attempt, in: trace.id, count: trace.spans, limit: left)
      left -= Int(removed.spans)
      didRemove(removed, of: trace.id, &tally)
      if removed.isPartial { break }
      last = trace.id
    }
    if let last { try removal.rollouts.forgetTraces(of: deletion.attempt, deletion.rollout, upTo: last) }
    return traces.count < 1_024 && last == traces.last?.id
  }

  private func didRemove(_ removed: SpanRemover.Removed, of trace: Int64, _ tally: inout RetentionTally) {
    guard removed.spans > 0 else { return }
    attribution.states.forget(trace)
    tally.spans += Int(removed.spans)
    tally.undelivered += Int(removed.undelivered)
    var lookups: Int64 = 0
    if let id = removed.trace {
      tally.traces += 1
      attribution.queue.remove(trace: trace)
      if tables.traces.forget(id, trace) { lookups = 1 }
    }
    counters.delete(spans: removed.spans, traces: removed.trace == nil ? 0 : 1, lookups: lookups)
  }
}
