import SQLite
import TraceStore

/// Limits on single spans: how many a rollout may have, and what a service may.
extension RetentionPass {
  /// Spans that one search collects.
  private static var mostSurplus: Int { 65_536 }

  /// Deletes the oldest spans of rollouts that have too many; running ones are left alone.
  func removeSurplus(_ reader: RetentionReader) throws {
    guard let most = policy.spansPerRollout else { return }
    let delivered = try reader.delivered()
    for rollout in try rules.largeRollouts(reader) {
      var surplus = Int(rollout.candidate.spans) - most
      while surplus > 0, !isStopping() {
        var found = try reader.oldestSpans(ofRollout: rollout.candidate.row, limit: min(surplus, Self.mostSurplus))
        let isFree = rules.isFree(rollout.lastArrival, delivered.time)
        found.removeAll { !isFree && $0.arrival > delivered.arrival }
        guard !found.isEmpty else { break }
        surplus -= found.count
        try remove(found.map(\.span), .rollout)
      }
    }
  }

  /// Deletes spans of services that are too old, or too many.
  func removeOfServices(_ reader: RetentionReader, isClockTrusted: Bool) throws {
    for service in policy.services {
      guard let row = try reader.service(named: service.name) else { continue }
      let limit = try rules.lastToGo(of: service, row, reader, isClockTrusted: isClockTrusted)
      guard limit > 0 else { continue }
      var cursor = SpanKey(trace: 0, spanID: .min, variant: 0)
      while !isStopping() {
        let found = try reader.spans(ofService: row, upTo: limit, after: &cursor, limit: 4_096)
        try remove(found, .service)
        if cursor.trace == .max { break }
      }
    }
  }

  private func remove(_ spans: [SurplusSpan], _ reason: RetentionTally.Reason) throws {
    var rest = spans[...]
    while !rest.isEmpty, !isStopping() {
      // To delete single spans costs several times as much as whole traces.
      let group = Array(rest.prefix(max(32, steps.budget / 4)))
      rest = rest.dropFirst(group.count)
      note(try steps.step { session, received in try session.remove(group, received: received) }, reason)
    }
  }
}
