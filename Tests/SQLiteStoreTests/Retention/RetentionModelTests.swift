import Foundation
import SeededRandom
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

/// Random policies over random histories: what must be gone is gone, and what must stay is there, byte for byte.
@Suite struct `Retention model` {
  /// `RETENTION_WORLDS` makes it try more.
  private static let worlds = ProcessInfo.processInfo.environment["RETENTION_WORLDS"].flatMap(Int.init) ?? 24
  private static let firstSeed = ProcessInfo.processInfo.environment["RETENTION_SEED"].flatMap(UInt64.init) ?? 1

  @Test(arguments: 0..<worlds) func `a history leaves what the model leaves`(world: Int) async throws {
    let seed = Self.firstSeed &+ UInt64(world)
    var random = SplitMix64(seed: seed)
    let time = SetTime()
    let folder = try TemporaryFolder()
    var model = RetentionModel()
    var policy = Self.policy(&random)
    var sent: [String: [UInt8]] = [:]
    // Half of the worlds have a forwarder, from the beginning on.
    if Bool.random(using: &random) { model.delivered = 0 }
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let sessionPolicy = policy
      var steps = random
      try await folder.withStore(time.options(sessionPolicy)) { store in
        if let delivered = model.delivered { try await store.setCursor(Int64(delivered)) }
        await store.makeRetentionPass()
        model.apply(sessionPolicy, now: time.now)
        for _ in 0..<Int.random(in: 2...12, using: &steps) {
          switch Int.random(in: 0..<11, using: &steps) {
          case 0..<6: try await Self.send(&steps, time, &model, &sent, store)
          case 6: try await Self.pin(&steps, &model, store)
          case 10: try await Self.deliver(&steps, &model, store)
          case 8: try await Self.changeStatus(&steps, time, &model, store)
          case 7:
            policy = Self.policy(&steps)
            // Has a pass made by itself.
            store.take(policy)
            await store.makeRetentionPass()
            model.apply(policy, now: time.now)
          default: time.pass(Int64.random(in: 1...(6 * SetTime.day), using: &steps))
          }
          if Bool.random(using: &steps) {
            await store.makeRetentionPass()
            // The policy that was taken last counts.
            model.apply(policy, now: time.now)
            #expect(store.retentionStatistics.failure == nil)
            try await Self.compare(store, model, sent, seed: seed)
          }
        }
      }
      random = steps
      try folder.checkConsistency()
    }
  }

  private static func policy(_ random: inout SplitMix64) -> RetentionPolicy {
    let days = { (range: ClosedRange<Int64>, random: inout SplitMix64) in
      Duration.nanoseconds(Int64.random(in: range, using: &random) * SetTime.day + 1)
    }
    // Clocks that jump have tests of their own.
    var policy = RetentionPolicy { $0.clockGrace = .zero }
    if Bool.random(using: &random) { policy.maximumAge = days(1...9, &random) }
    if Bool.random(using: &random) { policy.valuedAge = days(5...20, &random) }
    if Int.random(in: 0..<3, using: &random) == 0 { policy.spansPerRollout = Int.random(in: 1...30, using: &random) }
    if Int.random(in: 0..<3, using: &random) == 0 { policy.packAfter = days(1...3, &random) }
    if Bool.random(using: &random) { policy.forwardLag = days(1...12, &random) }
    if Int.random(in: 0..<3, using: &random) == 0 {
      policy.services = [
        RetentionPolicy.Service(name: "s1", maximumAge: days(1...4, &random)),
        RetentionPolicy.Service(name: "s2", maximumSpans: Int.random(in: 1...40, using: &random)),
      ]
    }
    return policy
  }

  /// Sends a batch for one rollout or for none.
  private static func send(
    _ random: inout SplitMix64, _ time: SetTime, _ model: inout RetentionModel, _ sent: inout [String: [UInt8]],
    _ store: SQLiteStore
  ) async throws {
    // Far enough from the last one that it is in another segment.
    time.pass(61_000_000_000)
    let known = Set(model.rollouts.keys).union((0..<6).map { "r\($0)" }).sorted()
    let rollout = Int.random(in: 0..<4, using: &random) == 0 ? nil : known.randomElement(using: &random)
    // Traces of spans without a rollout are their own, so that they inherit none.
    let trace = rollout == nil ? UInt64.random(in: 100...103, using: &random) : UInt64.random(in: 1...4, using: &random)
    let service = "s\(Int.random(in: 1...3, using: &random))"
    let isReward = rollout != nil && Int.random(in: 0..<8, using: &random) == 0
    var spans: [TestSpan] = []
    for _ in 0..<Int.random(in: 1...20, using: &random) {
      let id = UInt64(sent.count + spans.count + 1)
      spans.append(
        TestSpan(trace: trace, id).with { span in
          span.start = [0, 1, 1 << 63, .max, 1_700_000_000_000_000_000].randomElement(using: &random) ?? 0
          span.attributes = [("text", .string(String(random.next(), radix: 36)))]
          guard isReward else { return }
          span.name = "agentlightning.annotation"
          span.attributes.append(("agentlightning.reward.0.value", .int(1)))
        })
    }
    let tag = rollout.map { RolloutTag(rolloutID: $0, attemptID: model.rollouts[$0]?.attempt ?? "a") } ?? .unassigned
    let receipt = try await store.append(batch(spans, resource: [("service.name", .string(service))], tag: tag))
    #expect(receipt.stored == spans.count)
    for span in spans {
      model.spans.append(
        RetentionModel.Sent(
          trace: trace, id: span.spanID.value, rollout: rollout, service: service, arrived: time.now,
          number: sent.count, isReward: isReward))
      sent["\(trace)/\(span.spanID.value)"] = span.bytes
    }
    guard let rollout else { return }
    model.rollouts[rollout, default: RetentionModel.Rollout()].lastActivity = time.now
    model.rollouts[rollout]?.lastArrival = time.now
  }

  /// The forwarder delivers some batches more.
  private static func deliver(
    _ random: inout SplitMix64, _ model: inout RetentionModel, _ store: SQLiteStore
  ) async throws {
    guard let delivered = model.delivered else { return }
    // All spans of a batch came at the same time.
    let ends = Dictionary(grouping: model.spans, by: \.arrived).values.compactMap { $0.map(\.number).max() }
    guard let end = ends.filter({ $0 >= delivered }).sorted().randomElement(using: &random) else { return }
    model.delivered = end + 1
    try await store.setCursor(Int64(end + 1))
  }

  /// Starts a rollout, or ends one.
  private static func changeStatus(
    _ random: inout SplitMix64, _ time: SetTime, _ model: inout RetentionModel, _ store: SQLiteStore
  ) async throws {
    let running = model.rollouts.filter(\.value.isRunning).keys.sorted().randomElement(using: &random)
    guard let running, Bool.random(using: &random) else {
      let started = try await store.start(NewRollout(input: JSONText("1")), worker: nil, once: nil)
      let attempt = try #require(started.attempt)
      model.rollouts[started.rollout.id] = RetentionModel.Rollout(
        isRunning: true, attempt: attempt.id, lastActivity: time.now)
      return
    }
    var change = AttemptChange()
    change.status = Bool.random(using: &random) ? .failed : .succeeded
    _ = try await store.update(attempt: .latest, of: running, change)
    model.rollouts[running]?.isRunning = false
    model.rollouts[running]?.isFailed = change.status == .failed
    model.rollouts[running]?.lastActivity = time.now
  }

  /// Pins a rollout, or takes a pin away.
  private static func pin(_ random: inout SplitMix64, _ model: inout RetentionModel, _ store: SQLiteStore) async throws
  {
    guard let rollout = model.rollouts.keys.sorted().randomElement(using: &random) else { return }
    let isPinned = Bool.random(using: &random)
    do throws(RolloutFault) {
      try await store.pin(rollout: rollout, isPinned)
      model.rollouts[rollout]?.isPinned = isPinned
    } catch {
      Issue.record("\(rollout) should be there: \(error)")
    }
  }

  private static func compare(
    _ store: SQLiteStore, _ model: RetentionModel, _ sent: [String: [UInt8]], seed: UInt64
  ) async throws {
    var found: Set<String> = []
    for trace in UInt64(1)...4 { found.formUnion(try await contents(store, trace, sent)) }
    for trace in UInt64(100)...103 { found.formUnion(try await contents(store, trace, sent)) }
    #expect(found == model.contents, "seed \(seed)")
    #expect(try await store.totals().spans == Int64(model.spans.count), "seed \(seed)")
    let known = Set(try await store.rollouts().map(\.id))
    #expect(known == Set(model.spans.compactMap(\.rollout)), "seed \(seed)")
  }

  private static func contents(_ store: SQLiteStore, _ trace: UInt64, _ sent: [String: [UInt8]]) async throws
    -> [String]
  {
    let spans = try await store.spans(ofTrace: trace)
    for span in spans { #expect(sent["\(trace)/\(span.row.spanID.value)"] == span.bytes) }
    return spans.map { "\(trace)/\($0.row.spanID.value) of \($0.row.rolloutID ?? "none")" }
  }
}
