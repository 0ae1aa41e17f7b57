import SQLite
import TraceStore

/// One look at the store, by which everything goes that is beyond a limit.
///
/// What is found is decided again on the writer, step by step. A pass can end anywhere: the next one goes on.
struct RetentionPass: ~Copyable {
  /// Rollouts that one search collects.
  private static let mostFound = 16_384

  let policy: RetentionPolicy
  /// Nanoseconds since 1970.
  let now: Int64
  let steps: RetentionSteps
  let isStopping: () -> Bool
  let report: (RetentionTally) -> Void

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
    guard let age = [policy.maximumAge, policy.valuedAge].compactMap({ $0 }).min() else { return }
    let delivered = try reader.delivered().time
    var found: [RetentionReader.FoundRollout] = []
    try reader.rollouts(now: now) { rollout in
      guard isOlder(rollout.candidate.lastActivity, than: age), isFree(rollout.lastArrival, delivered) else { return }
      if found.count < Self.mostFound { found.append(rollout) }
    }
    found.sort { $0.candidate.lastActivity < $1.candidate.lastActivity }
    var group: [RolloutCandidate] = []
    var spans: Int64 = 0
    for rollout in found {
      let isValued = try rollout.isFailed || reader.hasReward(rollout.candidate.row)
      guard let limit = isValued ? policy.valuedAge : policy.maximumAge,
        isOlder(rollout.candidate.lastActivity, than: limit)
      else { continue }
      if spans + rollout.candidate.spans > Int64(steps.budget), !group.isEmpty {
        try remove(group, .age)
        (group, spans) = ([], 0)
      }
      group.append(rollout.candidate)
      spans += rollout.candidate.spans + 8
      if isStopping() { return }
    }
    if !group.isEmpty { try remove(group, .age) }
    try removeUnassignedByAge(reader, delivered)
  }

  private func removeUnassignedByAge(_ reader: RetentionReader, _ delivered: Int64) throws {
    guard let age = policy.maximumAge else { return }
    var last: UnassignedCandidate?
    while !isStopping() {
      let found = try reader.unassigned(after: last, limit: 512, now: now)
      let old = found.filter { isOlder($0.lastArrival, than: age) && isFree($0.lastArrival, delivered) }
      try removeUnassigned(old.map(\.candidate), .age)
      guard let end = found.last else { return }
      last = end.candidate
      // Traces come in the order of their first spans: those behind are younger.
      if !isOlder(end.firstArrival, than: age) {
        last = UnassignedCandidate(attempt: end.candidate.attempt, trace: .max, spans: 0)
      }
    }
  }

  func isOlder(_ time: Int64, than age: Duration) -> Bool {
    time.addingReportingOverflow(age.nanoseconds).overflow ? false : time + age.nanoseconds < now
  }

  /// Whether no forwarder waits for spans that came until then, or has had its time.
  func isFree(_ lastArrival: Int64, _ delivered: Int64) -> Bool {
    lastArrival < delivered || isOlder(lastArrival, than: policy.forwardLag)
  }

  // MARK: Steps

  /// Deletes rollouts, in one step and what that leaves.
  func remove(_ group: [RolloutCandidate], _ reason: RetentionTally.Reason) throws {
    let budget = steps.budget
    let tally = try steps.step { session, received in
      try session.remove(group, budget: budget, received: received)
    }
    note(tally, reason)
    // Large ones have begun to go.
    while !isStopping() {
      let budget = steps.budget
      let rest = try steps.step { session, received in
        try session.continueRemoval(budget: budget, received: received)
      }
      guard let rest else { return }
      note(rest, reason)
    }
  }

  func removeUnassigned(_ candidates: [UnassignedCandidate], _ reason: RetentionTally.Reason) throws {
    var rest = candidates[...]
    while !rest.isEmpty, !isStopping() {
      let budget = steps.budget
      var group: [UnassignedCandidate] = []
      var spans: Int64 = 0
      while let next = rest.first, group.isEmpty || spans + next.spans <= Int64(budget) {
        group.append(next)
        spans += next.spans + 4
        rest.removeFirst()
      }
      let tally = try steps.step { [group] session, received in
        try session.removeUnassigned(group, budget: budget, received: received)
      }
      note(tally, reason)
      // A trace of more spans than one step takes has fewer now.
      if let first = group.first, group.count == 1, Int64(tally.spans) < first.spans, tally.spans > 0 {
        let left = UnassignedCandidate(
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
