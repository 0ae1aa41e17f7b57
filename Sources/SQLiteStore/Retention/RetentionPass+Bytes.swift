import TraceStore

/// What the database may take on the disk.
struct ByteLimit {
  let limit: Int64

  /// From here on the oldest go, ...
  var high: Int64 { limit / 100 * 96 }
  /// ... until no more than this is in use: what is deleted at once is worth looking for.
  var low: Int64 { limit / 100 * 93 }
}

extension RetentionPass {
  /// What can go to make room, as it stands in the order of age.
  private enum Victim {
    case rollout(RetentionReader.FoundRollout)
    case trace(RetentionReader.FoundTrace)

    var time: Int64 {
      switch self {
      case .rollout(let rollout): rollout.candidate.lastActivity
      case .trace(let trace): trace.lastArrival
      }
    }

    var spans: Int64 {
      switch self {
      case .rollout(let rollout): rollout.candidate.spans
      case .trace(let trace): trace.candidate.spans
      }
    }
  }

  private static var mostVictims: Int { 4_096 }

  /// Deletes the oldest until there is room.
  ///
  /// - Parameter walBytes: The size of the write-ahead log, which counts too.
  /// - Returns: Whether there is room now: what is pinned, running, or waits for a forwarder stays.
  func removeByBytes(_ reader: RetentionReader, walBytes: () -> Int64) throws -> Bool {
    guard let limit = policy.maximumBytes.map({ ByteLimit(limit: Int64($0)) }) else { return true }
    func used() throws -> Int64 { try reader.size().usedBytes + walBytes() }
    guard try used() > limit.high else { return true }
    steps.isUrgent = true
    defer { steps.isUrgent = false }
    while try used() > limit.low, !isStopping() {
      let victims = try victims(reader)
      let before = try used()
      for valued in [false, true] {
        guard try removeInOrder(victims, areValued: valued, reader, until: { try used() <= limit.low }) else { continue }
        return true
      }
      // Nothing that was found could go.
      guard try used() < before else { break }
    }
    return try used() <= limit.high
  }

  /// The oldest rollouts and traces that may go.
  private func victims(_ reader: RetentionReader) throws -> [Victim] {
    let delivered = try reader.delivered().time
    var victims: [Victim] = []
    var youngest = Int64.max
    try reader.rollouts(now: now) { rollout in
      guard !rollout.candidate.isActive, isFree(rollout.lastArrival, delivered),
        rollout.candidate.lastActivity < youngest
      else { return }
      victims.append(.rollout(rollout))
      guard victims.count >= 2 * Self.mostVictims else { return }
      victims.sort { $0.time < $1.time }
      victims.removeLast(Self.mostVictims)
      youngest = victims.last?.time ?? .max
    }
    let traces = try reader.unassigned(after: nil, limit: Self.mostVictims, now: now)
    victims += traces.filter { isFree($0.lastArrival, delivered) }.map { .trace($0) }
    victims.sort { $0.time < $1.time }
    return Array(victims.prefix(Self.mostVictims))
  }

  /// Deletes the oldest ones until there is room.
  ///
  /// - Parameter areValued: Whether to take those that failed or carry a reward, or the others.
  private func removeInOrder(
    _ victims: [Victim], areValued: Bool, _ reader: RetentionReader, until isDone: () throws -> Bool
  ) throws -> Bool {
    var next = 0
    while next < victims.count, !isStopping() {
      var rollouts: [RolloutCandidate] = []
      var traces: [UnassignedCandidate] = []
      var spans: Int64 = 0
      while next < victims.count, spans == 0 || spans + victims[next].spans <= Int64(steps.budget) {
        let victim = victims[next]
        next += 1
        switch victim {
        case .rollout(let rollout):
          guard try areValued == (rollout.isFailed || reader.hasReward(rollout.candidate.row)) else { continue }
          rollouts.append(rollout.candidate)
        case .trace(let trace):
          // Without a rollout there is no reward.
          guard !areValued else { continue }
          traces.append(trace.candidate)
        }
        spans += victim.spans + 8
      }
      if !rollouts.isEmpty { try remove(rollouts, .bytes) }
      if !traces.isEmpty { try removeUnassigned(traces, .bytes) }
      if try isDone() { return true }
    }
    return false
  }
}
