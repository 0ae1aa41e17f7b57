import Foundation
import SQLiteStore
import SeededRandom
import Telemetry
import Testing
import TraceStore

/// Tags are a function of the facts: small worlds, each brought to stores in several orders.
///
/// `ATTRIBUTION_SEEDS` sets the number of worlds, `ATTRIBUTION_SEED` looks at one.
@Suite struct `Attribution against a model` {
  private static let workers: UInt64 = 4
  private static let count = environment("ATTRIBUTION_SEEDS") ?? 100
  private static let only = environment("ATTRIBUTION_SEED")

  private static func environment(_ name: String) -> UInt64? {
    ProcessInfo.processInfo.environment[name].flatMap { UInt64($0) }
  }

  /// The seeds of one worker: each of its worlds opens a store, so not all are looked at at the same time.
  private static func seeds(_ worker: UInt64) -> [UInt64] {
    if let only { return worker == 0 ? [only] : [] }
    return (1...max(1, count)).filter { $0 % workers == worker }
  }

  @Test(arguments: 0..<workers)
  func `tags do not depend on the order of facts`(worker: UInt64) async throws {
    for seed in Self.seeds(worker) {
      let world = AttributionCase(seed: seed)
      var random = SplitMix64(seed: seed &+ 1 << 32)
      for widest in [1, 4] {
        let schedule = AttributionSchedule(world, &random, widest: widest)
        precondition(schedule.model.tags() == world.model.tags(), "two orders of one world differ in the model")
        let check = { (store: SQLiteStore, model: AttributionModel) in try await store.differences(from: model) }
        let problems = try await schedule.run(check)
        // One report is enough to work on.
        guard problems.isEmpty else { return await report(problems, seed: seed, schedule, check) }
      }
    }
  }

  /// Enough spans for ways that only large traces take.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `large trees whose roots come last end where the model says`(seed: UInt64) async throws {
    var random = SplitMix64(seed: seed)
    var spans: [AttributionModel.Span] = []
    for trace in 1...2 as ClosedRange<UInt64> {
      for id in 1...150 as ClosedRange<UInt64> {
        spans.append(
          AttributionExample.span(
            id, in: trace, parent: id == 1 ? nil : UInt64.random(in: max(id, 9) - 8..<id, using: &random)
          ) {
            if id == 1 { $0.attributes.rollout = "r\(trace)" }
            switch Int.random(in: 0..<40, using: &random) {
            case 0: $0.attributes.attempt = "a"
            case 1: $0.attributes.rollout = "r"
            case 2: $0.sequence = Int64.random(in: 0..<400, using: &random)
            default: break
            }
          })
      }
    }
    // Nearly the last first, and both traces in turn.
    spans.sort { ($0.node.id.value / 30, $0.start, $0.name) > ($1.node.id.value / 30, $1.start, $1.name) }
    let groups = stride(from: 0, to: spans.count, by: 15).map { start in
      AttributionSchedule.Group(actions: [.append(Array(spans[start..<start + 15]), AttributionModel.Words())])
    }
    for step in [100, 2_000] {
      let schedule = AttributionSchedule(retagStep: step, groups: groups)
      let problems = try await schedule.run { store, model in try await store.differences(from: model) }
      #expect(problems.isEmpty, "\(problems.joined(separator: "\n"))")
    }
  }

  @Test(arguments: 0..<workers)
  func `what is told about tags agrees with them`(worker: UInt64) async throws {
    for seed in Self.seeds(worker) where seed % 4 < 2 || Self.only != nil {
      var random = SplitMix64(seed: seed &+ 2 << 32)
      let schedule = AttributionSchedule(AttributionCase(seed: seed), &random, widest: 3)
      let check = { (store: SQLiteStore, model: AttributionModel) in try await store.misstatements(model) }
      let problems = try await schedule.run(check)
      guard problems.isEmpty else { return await report(problems, seed: seed, schedule, check) }
    }
  }

  @Test(arguments: 0..<workers)
  func `who follows changes of tags knows them`(worker: UInt64) async throws {
    for seed in Self.seeds(worker) where seed % 4 >= 2 || Self.only != nil {
      var random = SplitMix64(seed: seed &+ 3 << 32)
      let schedule = AttributionSchedule(AttributionCase(seed: seed), &random, widest: 2)
      let follower = RetagFollower()
      let check = { (store: SQLiteStore, _: AttributionModel) in try await follower.problems(store) }
      let problems = try await schedule.run(check)
      guard problems.isEmpty else { return await report(problems, seed: seed, schedule, check) }
    }
  }
}

extension SQLiteStore {
  /// What the lists of facts, of unassigned traces, and the reports on spans get wrong.
  fileprivate func misstatements(_ model: AttributionModel) async throws -> [String] {
    try await settleTags()
    return try await read { session throws(StoreError) in
      try Self.listMisstatements(session, model) + Self.unassignedMisstatements(session, model)
        + Self.countMisstatements(session, model) + Self.reportMisstatements(session, model)
    }
  }

  private static func listMisstatements(_ session: any ReadSession, _ model: AttributionModel) throws(StoreError)
    -> [String]
  {
    var wrong: [String] = []
    let bindings = try session.bindings(of: nil, after: 0, limit: 100)
    if Set(bindings.map(\.new)) != model.bindings || bindings.count != model.bindings.count {
      wrong.append("bindings: \(bindings.map { AttributionAction.bind($0.new) })")
    }
    if bindings.map(\.id) != bindings.map(\.id).sorted() { wrong.append("the order of bindings") }
    let sessions = try session.sessions(nil, after: 0, limit: 100)
    if Set(sessions.map(\.new)) != Set(model.sessions) || sessions.count != model.sessions.count {
      wrong.append("sessions: \(sessions.map { AttributionAction.register($0.new) })")
    }
    if sessions.map(\.id) != sessions.map(\.id).sorted() { wrong.append("the order of sessions") }
    return wrong
  }

  private static func unassignedMisstatements(_ session: any ReadSession, _ model: AttributionModel)
    throws(StoreError) -> [String]
  {
    let unassigned = model.spans.keys.filter { model.tag(of: $0).rollout == nil }
    let expected = Dictionary(grouping: unassigned, by: \.node.trace)
    let found = try session.unassignedTraces(after: 0, limit: 100, window: nil).traces
    var wrong: [String] = []
    if Set(found.map(\.traceID)) != Set(expected.keys) || found.count != expected.count {
      wrong.append("unassigned traces: \(found.map { AttributionText.name($0.traceID) })")
    }
    for trace in found {
      let spans = expected[trace.traceID] ?? []
      let start = spans.map(\.start).min() ?? 0
      let end = (spans.map(\.start).max() ?? 0) + 10
      if trace.spans != Int64(spans.count) || trace.startTime != start || trace.endTime != end {
        wrong.append("unassigned spans of \(AttributionText.name(trace.traceID)): \(trace)")
      }
      if Set(trace.sessions) != Set(spans.flatMap(\.sessions.values)) {
        wrong.append("unassigned sessions of \(AttributionText.name(trace.traceID)): \(trace.sessions)")
      }
    }
    return wrong
  }

  private static func sessionMisstatements(_ session: any ReadSession, _ model: AttributionModel) throws(StoreError)
    -> [String]
  {
    let unassigned = model.spans.keys.filter { model.tag(of: $0).rollout == nil }
    var expected: [String: [AttributionModel.Span]] = [:]
    for span in unassigned {
      for (key, value) in span.sessions { expected["\(key.attribute) \(value)", default: []].append(span) }
    }
    var wrong: [String] = []
    var found: [UnassignedSession] = []
    var after: Int64? = 0
    while let cursor = after {
      let page = try session.unassignedSessions(after: cursor, limit: 2, window: nil)
      if page.sessions.count > 2 { wrong.append("a page of \(page.sessions.count) unassigned sessions") }
      found += page.sessions
      after = page.next
    }
    if found.map(\.position) != found.map(\.position).sorted() { wrong.append("the order of unassigned sessions") }
    let names = found.map { "\($0.key.attribute) \($0.session)" }
    if Set(names) != Set(expected.keys) || names.count != expected.count {
      wrong.append("unassigned sessions: \(names), are \(expected.keys.sorted())")
    }
    for (name, group) in zip(names, found) {
      let spans = expected[name] ?? []
      let starts = spans.map(\.start)
      let isRight =
        group.spans == Int64(spans.count) && group.traces == Int64(Set(spans.map(\.node.trace)).count)
        && group.firstStart == starts.min() && group.lastStart == starts.max()
      if !isRight { wrong.append("unassigned spans of \(name): \(group)") }
    }
    let rest = unassigned.filter(\.sessions.isEmpty)
    let count = UnassignedCount(spans: Int64(rest.count), traces: Int64(Set(rest.map(\.node.trace)).count))
    if try session.unassignedWithoutSession() != count { wrong.append("unassigned spans without a session") }
    return wrong
  }

  private static func countMisstatements(_ session: any ReadSession, _ model: AttributionModel) throws(StoreError)
    -> [String]
  {
    let tags = model.tags().values
    var wrong: [String] = []
    for rollout in Set(tags.compactMap(\.rollout)).union(["r1", "nobody"]) {
      let rules = tags.filter { $0.rollout == rollout }.map(\.rule)
      let expected = Dictionary(grouping: rules) { $0 }.mapValues { Int64($0.count) }
      let found = try session.spanCounts(ofRollout: rollout, byRule: ()).filter { $0.value != 0 }
      if found != expected { wrong.append("counts by rule of \(rollout): \(found), are \(expected)") }
    }
    return wrong
  }

  private static func reportMisstatements(_ session: any ReadSession, _ model: AttributionModel) throws(StoreError)
    -> [String]
  {
    var wrong: [String] = []
    for (node, variants) in Dictionary(grouping: model.spans.keys, by: \.node) {
      let reports = try session.attribution(of: node.trace, node.id)
      let found = reports.map { AttributionModel.Tag(rollout: $0.rolloutID, attempt: $0.attemptID, rule: $0.rule) }
      let expected = variants.map { model.tag(of: $0) }
      if found.map(\.description).sorted() != expected.map(\.description).sorted() {
        wrong.append("reports on \(node): \(found), expected \(expected)")
      }
      for report in reports {
        let rules = report.findings.map(\.rule.rawValue)
        if rules != Set(rules).sorted() { wrong.append("the order of the findings on \(node): \(rules)") }
        if report.isPending { wrong.append("\(node) is pending") }
        guard let rollout = report.rolloutID else { continue }
        let first = report.findings.first
        if first?.rule != report.rule || first?.place.rolloutID != rollout {
          wrong.append("the first finding on \(node): \(first.map { "\($0)" } ?? "none")")
        }
      }
    }
    return wrong
  }
}
