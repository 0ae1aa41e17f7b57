import SQLite
import TraceStore

/// Decides what is to go by a policy, at one moment.
struct RetentionRules {
  /// Rollouts that one search collects, and traces that it looks at.
  private static let mostRollouts = 16_384
  private static let mostTraces = 512

  let policy: RetentionPolicy
  /// Nanoseconds since 1970.
  let now: Int64

  func isOlder(_ time: Int64, than age: Duration) -> Bool {
    let (end, overflow) = time.addingReportingOverflow(age.nanoseconds)
    return !overflow && end < now
  }

  /// Whether no forwarder waits for spans that came until then, or has had its time.
  ///
  /// - Parameter delivered: What came before that is delivered to all of them.
  func isFree(_ lastArrival: Int64, _ delivered: Int64) -> Bool {
    lastArrival < delivered || isOlder(lastArrival, than: policy.forwardLag)
  }

  /// Rollouts that are too old, the oldest first.
  ///
  /// It finds some of them, and goes on behind them with the next call: many that are kept longer do not hide the others.
  /// At the end the reader's ``RetentionReader/lastOldRollout`` is 0.
  func oldRollouts(_ reader: RetentionReader) throws -> [RolloutCandidate] {
    guard let age = [policy.maximumAge, policy.valuedAge].compactMap({ $0 }).min() else { return [] }
    let delivered = try reader.delivered().time
    var found: [RetentionReader.FoundRollout] = []
    try reader.rollouts(now: now, after: reader.lastOldRollout) { rollout in
      guard found.count < Self.mostRollouts, isOlder(rollout.candidate.lastActivity, than: age),
        isFree(rollout.lastArrival, delivered)
      else { return }
      found.append(rollout)
    }
    reader.lastOldRollout = found.count < Self.mostRollouts ? 0 : found.last?.candidate.row ?? 0
    return try found.filter { rollout in
      let isValued = try rollout.isFailed || reader.hasReward(rollout.candidate.row)
      guard let limit = isValued ? policy.valuedAge : policy.maximumAge else { return false }
      return isOlder(rollout.candidate.lastActivity, than: limit)
    }.map(\.candidate).sorted { $0.lastActivity < $1.lastActivity }
  }

  /// Traces whose spans without a rollout are too old.
  ///
  /// - Returns: Some of them, and where to go on; `nil` at the end.
  func oldTraces(_ reader: RetentionReader, after last: TraceCandidate?) throws -> (
    old: [TraceCandidate], last: TraceCandidate?
  ) {
    guard let age = policy.maximumAge else { return ([], nil) }
    let delivered = try reader.delivered().time
    let found = try reader.unassigned(after: last, limit: Self.mostTraces, now: now)
    let old = found.filter { isOlder($0.lastArrival, than: age) && isFree($0.lastArrival, delivered) }
    guard var end = found.last?.candidate else { return ([], nil) }
    // Traces of an attempt come in the order of their first spans: those behind are younger.
    if !isOlder(found[found.count - 1].firstArrival, than: age) { end.trace = .max }
    return (old.map(\.candidate), end)
  }

  /// Up to which number spans are delivered to every forwarder, or have waited for it for too long.
  func lastFree(_ reader: RetentionReader) throws -> Int64 {
    let overdue = try reader.lastArrival(before: now - policy.forwardLag.nanoseconds)
    return max(try reader.delivered().arrival, overdue)
  }

  /// Rollouts with more spans than they may have; running ones may.
  func largeRollouts(_ reader: RetentionReader) throws -> [RetentionReader.FoundRollout] {
    guard let most = policy.spansPerRollout else { return [] }
    var large: [RetentionReader.FoundRollout] = []
    try reader.rollouts(now: now) { rollout in
      guard rollout.candidate.spans > Int64(most), !rollout.candidate.isActive, large.count < Self.mostRollouts else {
        return
      }
      large.append(rollout)
    }
    return large
  }

  /// The arrival number up to which the spans of a service are to go; 0 for none.
  func lastToGo(
    of service: RetentionPolicy.Service, _ row: Int64, _ reader: RetentionReader, isClockTrusted: Bool
  ) throws -> Int64 {
    var last: Int64 = 0
    if let most = service.maximumSpans { last = try reader.lastSurplus(ofService: row, most: most) }
    if let age = service.maximumAge, isClockTrusted {
      last = max(last, try reader.lastArrival(before: now - age.nanoseconds))
    }
    return last > 0 ? min(last, try lastFree(reader)) : 0
  }
}
