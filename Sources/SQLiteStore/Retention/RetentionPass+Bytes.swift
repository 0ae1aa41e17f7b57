import TraceStore

extension RetentionPass {
  /// How many times as long as a search in vain it is until the next one.
  private static var searchPause: Int { 20 }

  /// Deletes the oldest until there is room.
  ///
  /// - Parameter walBytes: The size of the write-ahead log, which counts too.
  /// - Returns: Whether there is room now: what is pinned, running, or waits for a forwarder stays.
  func removeByBytes(_ reader: RetentionReader, walBytes: () -> Int64) throws -> Bool {
    guard let limit = policy.maximumBytes.map({ ByteLimit(limit: Int64($0)) }) else { return true }
    // What the deletions themselves add to it is not counted: it goes with the next checkpoints.
    let wal = limit.counted(walBytes())
    func used() throws -> Int64 { try reader.size().usedBytes + wal }
    guard try used() > limit.high else { return true }
    steps.isUrgent = true
    defer { steps.isUrgent = false }
    let surplus = { () throws -> Int64 in
      let size = try reader.size()
      let left = size.usedBytes + wal - limit.low
      return left > 0 ? max(1, left / (try reader.bytesPerSpan(size))) : 0
    }
    // Where nothing is ever quiet for long enough, to search for it again and again would take much of the time.
    while ContinuousClock.now >= reader.nextSearch, try used() > limit.low, !isStopping() {
      let started = ContinuousClock.now
      let victims = try rules.victims(reader)
      let searched = started.duration(to: .now)
      let before = try used()
      for valued in [false, true] {
        guard try removeInOrder(victims, areValued: valued, reader, surplus) else { continue }
        return true
      }
      guard try used() < before else {
        // Nothing that was found could go.
        reader.nextSearch = .now + searched * Self.searchPause
        break
      }
    }
    try trim(reader, surplus)
    return try used() <= limit.high
  }

  /// Deletes the oldest traces of rollouts that go on and on: none of these is ever quiet enough to go as a whole.
  ///
  /// - Parameter surplus: About how many spans are to go yet.
  private func trim(_ reader: RetentionReader, _ surplus: () throws -> Int64) throws {
    var cursor: Int64? = 0
    let free = try rules.lastFree(reader)
    while let last = cursor, !isStopping() {
      let found = try reader.oldestTraces(after: last, limit: 256, delivered: free)
      cursor = found.last
      var rest = found.traces[...]
      while !rest.isEmpty, !isStopping() {
        let most = min(try surplus(), Int64(steps.budget))
        guard most > 0 else { return }
        var group: [TraceCandidate] = []
        var spans: Int64 = 0
        while let next = rest.first, group.isEmpty || spans + next.spans <= most {
          group.append(next)
          spans += next.spans + 4
          rest.removeFirst()
        }
        try removeTraces(group, .bytes)
      }
    }
  }

  /// Deletes the oldest ones until there is room.
  ///
  /// - Parameters:
  ///   - areValued: Whether to take those that failed or carry a reward, or the others.
  ///   - surplus: About how many spans are to go yet.
  private func removeInOrder(
    _ victims: [RetentionRules.Victim], areValued: Bool, _ reader: RetentionReader, _ surplus: () throws -> Int64
  ) throws -> Bool {
    var next = 0
    while next < victims.count, !isStopping() {
      var rollouts: [RolloutCandidate] = []
      var traces: [TraceCandidate] = []
      var spans: Int64 = 0
      let most = min(try surplus(), Int64(steps.budget))
      while next < victims.count, spans == 0 || spans + victims[next].spans <= most {
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
      if !traces.isEmpty { try removeTraces(traces, .bytes) }
      if try surplus() == 0 { return true }
    }
    return false
  }
}
