import SeededRandom
import Telemetry
import TraceStore

@testable import SQLiteStore

/// A history of a store, and what retention must leave of it.
///
/// The reference knows nothing of segments, steps and tables: it has all that ever came, in a list.
struct RetentionModel {
  /// A span that was acknowledged.
  struct Sent {
    var trace: UInt64
    var id: UInt64
    var rollout: String?
    var service: String
    var arrived: Int64
    var number: Int
    var isReward: Bool
  }

  /// What is known of a rollout.
  struct Rollout {
    var isFailed = false
    var isRunning = false
    var isPinned = false
    var attempt = "a"
    /// Nanoseconds since 1970.
    var lastActivity: Int64 = 0
    /// When its last span came.
    var lastArrival: Int64 = 0
  }

  var spans: [Sent] = []
  var rollouts: [String: Rollout] = [:]
  /// Spans with lower numbers have been delivered by the forwarder; `nil` without one.
  var delivered: Int?

  /// When the first span came that was not delivered; nothing that came from then on goes before its time.
  private var firstUndelivered: Int64 {
    guard let delivered else { return .max }
    // A forwarder that has delivered nothing yet has no span to go by.
    return delivered == 0 ? 0 : spans.filter { $0.number >= delivered }.map(\.arrived).min() ?? .max
  }

  /// Takes away what must be gone by a policy.
  ///
  /// Limits apply one after the other: age, then the size of rollouts, then services.
  mutating func apply(_ policy: RetentionPolicy, now: Int64) {
    let isOlder = { (time: Int64, age: Duration?) in age.map { time + $0.nanoseconds < now } ?? false }
    let isFree = { (lastArrival: Int64, undelivered: Int64) in
      lastArrival < undelivered || isOlder(lastArrival, policy.forwardLag)
    }
    var undelivered = firstUndelivered
    let isRewarded = Set(spans.filter(\.isReward).compactMap(\.rollout))
    for (id, rollout) in rollouts where !rollout.isPinned {
      let age = rollout.isFailed || isRewarded.contains(id) ? policy.valuedAge : policy.maximumAge
      guard isOlder(rollout.lastActivity, age), isFree(rollout.lastArrival, undelivered) else { continue }
      rollouts[id] = nil
      spans.removeAll { $0.rollout == id }
    }
    undelivered = firstUndelivered
    let untagged = Dictionary(grouping: spans.filter { $0.rollout == nil }, by: \.trace)
    for (trace, members) in untagged {
      let last = members.map(\.arrived).max() ?? 0
      guard isOlder(last, policy.maximumAge), isFree(last, undelivered) else { continue }
      spans.removeAll { $0.trace == trace && $0.rollout == nil }
    }
    undelivered = firstUndelivered
    if let most = policy.spansPerRollout {
      for (id, rollout) in rollouts where !rollout.isPinned && !rollout.isRunning {
        let numbers = spans.filter { $0.rollout == id }.map(\.number).sorted()
        let isFree = isFree(rollout.lastArrival, undelivered)
        let surplus = Set(numbers.dropLast(most).filter { isFree || $0 < delivered ?? .max })
        spans.removeAll { $0.rollout == id && surplus.contains($0.number) }
      }
    }
    for service in policy.services {
      let overdue = spans.filter { isOlder($0.arrived, policy.forwardLag) }.map { $0.number + 1 }.max() ?? 0
      apply(service, isOlder, before: max(delivered ?? .max, overdue))
    }
  }

  /// - Parameter end: Spans from this number on have to wait for the forwarder.
  private mutating func apply(
    _ service: RetentionPolicy.Service, _ isOlder: (Int64, Duration?) -> Bool, before end: Int
  ) {
    var last = -1
    let numbers = spans.filter { $0.service == service.name }.map(\.number).sorted()
    if let most = service.maximumSpans, numbers.count > most { last = numbers[numbers.count - most - 1] }
    last = max(last, spans.filter { isOlder($0.arrived, service.maximumAge) }.map(\.number).max() ?? -1)
    last = min(last, end - 1)
    let kept = rollouts.filter { $0.value.isPinned || $0.value.isRunning || $0.value.isFailed }
    spans.removeAll { span in
      span.service == service.name && span.number <= last && span.rollout.map { kept[$0] == nil } ?? true
    }
  }

  /// What is left, in words that can be compared.
  var contents: Set<String> { Set(spans.map { "\($0.trace)/\($0.id) of \($0.rollout ?? "none")" }) }
}
