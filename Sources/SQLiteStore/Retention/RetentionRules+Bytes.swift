/// What the database may take on the disk.
struct ByteLimit {
  let limit: Int64

  /// From here on the oldest go.
  var high: Int64 { limit / 100 * 96 }
  /// They go until no more than this is in use, so that what is deleted at once is worth looking for.
  var low: Int64 { limit / 100 * 93 }

  /// What counts of the write-ahead log.
  ///
  /// Deleting does not make it smaller, checkpoints do: while they lag behind, not everything else shall go for it.
  func counted(_ walBytes: Int64) -> Int64 { min(walBytes, limit / 4) }
}

extension RetentionRules {
  /// What can go to make room, as it stands in the order of age.
  enum Victim {
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

  private static var mostVictims: Int { 16_384 }

  /// How long a rollout that nobody has registered must be quiet to count as ended.
  ///
  /// Of those that go on, the oldest traces go and not what came just now.
  private static var quiet: Duration { .seconds(10) }

  /// The oldest rollouts and traces that may go.
  func victims(_ reader: RetentionReader) throws -> [Victim] {
    let delivered = try reader.delivered().time
    var victims: [Victim] = []
    var youngest = Int64.max
    try reader.rollouts(now: now) { rollout in
      guard rollout.hasEnded || isOlder(rollout.candidate.lastActivity, than: Self.quiet),
        !rollout.candidate.isActive, isFree(rollout.lastArrival, delivered),
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
}
