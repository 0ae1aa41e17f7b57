import SQLite
import TraceStore

/// One look at the store, by which everything goes that is beyond a limit.
///
/// What is found is decided again on the writer, step by step. A pass can end anywhere: the next one goes on.
struct RetentionPass: ~Copyable {
  let rules: RetentionRules
  let steps: RetentionSteps
  let isStopping: () -> Bool
  let report: (RetentionTally) -> Void

  var policy: RetentionPolicy { rules.policy }
  var now: Int64 { rules.now }

  // MARK: What was begun

  /// Deletes the rest of what is out of sight already.
  func finishRemovals() throws {
    while !isStopping() {
      let budget = steps.budget
      let tally = try steps.step { session, received in
        try session.continueRemoval(budget: budget, received: received)
      }
      guard let tally else { return }
      report(tally)
    }
  }

  // MARK: Age

  /// Deletes what is too old.
  func removeByAge(_ reader: RetentionReader) throws {
    var group: [RolloutCandidate] = []
    var spans: Int64 = 0
    for candidate in try rules.oldRollouts(reader) {
      if spans + candidate.spans > Int64(steps.budget), !group.isEmpty {
        try remove(group, .age)
        (group, spans) = ([], 0)
      }
      group.append(candidate)
      spans += candidate.spans + 8
      if isStopping() { return }
    }
    if !group.isEmpty { try remove(group, .age) }
    var last: TraceCandidate?
    repeat {
      let found = try rules.oldTraces(reader, after: last)
      try removeTraces(found.old, .age)
      last = found.last
    } while last != nil && !isStopping()
  }

  // MARK: Steps

  /// Deletes rollouts, in one step and what that leaves.
  func remove(_ group: [RolloutCandidate], _ reason: RetentionTally.Reason) throws {
    let budget = steps.budget
    let (tally, isUnfinished) = try steps.step { session, received in
      try session.remove(group, budget: budget, received: received)
    }
    note(tally, reason)
    // Large ones have begun to go.
    while isUnfinished, !isStopping() {
      let budget = steps.budget
      let rest = try steps.step { session, received in
        try session.continueRemoval(budget: budget, received: received)
      }
      guard let rest else { return }
      note(rest, reason)
    }
  }

  func removeTraces(_ candidates: [TraceCandidate], _ reason: RetentionTally.Reason) throws {
    var rest = candidates[...]
    while !rest.isEmpty, !isStopping() {
      let budget = steps.budget
      var group: [TraceCandidate] = []
      var spans: Int64 = 0
      while let next = rest.first, group.isEmpty || spans + next.spans <= Int64(budget) {
        group.append(next)
        spans += next.spans + 4
        rest.removeFirst()
      }
      let tally = try steps.step { [group] session, received in
        try session.removeTraces(group, budget: budget, received: received)
      }
      note(tally, reason)
      // A trace of more spans than one step takes has fewer now.
      if let first = group.first, group.count == 1, Int64(tally.spans) < first.spans, tally.spans > 0 {
        let left = TraceCandidate(
          attempt: first.attempt, trace: first.trace, spans: first.spans - Int64(tally.spans))
        rest = [left] + rest
      }
    }
  }

  func note(_ tally: RetentionTally, _ reason: RetentionTally.Reason) {
    var tally = tally
    tally.spansByReason[reason] = tally.spans
    report(tally)
  }
}
