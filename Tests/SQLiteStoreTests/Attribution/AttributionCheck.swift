import SQLiteStore
import Telemetry
import Testing
import TraceStore

extension SQLiteStore {
  /// Waits until all spans have the tags that they are to have.
  ///
  /// - Parameter isHopeless: Whether there is no point in waiting on.
  /// - Throws: When that takes too long.
  func settleTags(within limit: Duration = .seconds(180), unless isHopeless: () -> Bool = { false }) async throws {
    let deadline = ContinuousClock.now + limit
    // Many tests share few threads: an answer can be old when it is looked at, so one that was asked for in time does not count.
    var isOverdue = false
    while try await read({ session throws(StoreError) in try session.pendingRetagging() }) > 0 {
      guard !isOverdue, !isHopeless() else { throw TagsUnsettled(failure: failure) }
      isOverdue = ContinuousClock.now >= deadline
      await Task.yield()
    }
  }

  /// Finds out where a store and a model differ.
  func differences(from model: AttributionModel) async throws -> [String] {
    try await settleTags()
    var rows: [SpanRow] = []
    for trace in UInt64(1)...9 { rows += try await self.rows(SpanQuery(.trace(TestSpan.traceID(trace)))) }
    let tags = Self.tagDifferences(rows, model)
    let numbers = Self.numberDifferences(rows, model)
    return try await tags + numbers + countDifferences(rows) + placeDifferences(rows)
  }

  /// What rows say about tags, by the names of spans.
  static func tags(_ rows: [SpanRow]) -> [String: AttributionModel.Tag] {
    let tags = rows.map { row in
      (row.name, AttributionModel.Tag(rollout: row.rolloutID, attempt: row.attemptID, rule: row.rule))
    }
    return Dictionary(tags) { first, _ in first }
  }

  static func tagDifferences(_ rows: [SpanRow], _ model: AttributionModel) -> [String] {
    let found = tags(rows)
    let expected = model.tags()
    var differences = expected.keys.sorted().compactMap { name -> String? in
      guard found[name] != expected[name] else { return nil }
      return "\(name): found \(found[name].map(\.description) ?? "nothing"), expected \(expected[name]!)"
    }
    if rows.count != expected.count { differences.append("\(rows.count) spans, expected \(expected.count)") }
    return differences
  }

  /// Numbers that were given stay; others are there and unique where there is a rollout, and nowhere else.
  private static func numberDifferences(_ rows: [SpanRow], _ model: AttributionModel) -> [String] {
    let given = Dictionary(uniqueKeysWithValues: model.spans.keys.map { ($0.name, $0.sequence) })
    var differences: [String] = []
    var issued: [String: Set<Int64>] = [:]
    for row in rows {
      if let number = given[row.name] ?? nil {
        if row.sequence != number { differences.append("\(row.name): sequence \(row.sequence ?? -1), given \(number)") }
      } else if let rollout = row.rolloutID {
        guard let number = row.sequence, number > 0, issued[rollout, default: []].insert(number).inserted else {
          differences.append("\(row.name): sequence \(row.sequence ?? -1) in \(rollout), want a new one")
          continue
        }
      } else if let number = row.sequence {
        differences.append("\(row.name): sequence \(number) without a rollout")
      }
    }
    return differences
  }

  /// Counters agree with the spans.
  private func countDifferences(_ rows: [SpanRow]) async throws -> [String] {
    var differences: [String] = []
    var counts: [RolloutPlace: Int64] = [:]
    for row in rows {
      if let id = row.rolloutID { counts[RolloutPlace(rolloutID: id, attemptID: row.attemptID), default: 0] += 1 }
    }
    var found: [RolloutPlace: Int64] = [:]
    for rollout in try await rollouts() {
      for attempt in rollout.attempts where attempt.spans != 0 {
        found[RolloutPlace(rolloutID: rollout.id, attemptID: attempt.id), default: 0] += attempt.spans
      }
    }
    for place in Set(counts.keys).union(found.keys) where counts[place] != found[place] {
      let name = "(\(place.rolloutID), \(place.attemptID ?? "-"))"
      differences.append("\(name) counts \(found[place] ?? 0) spans, has \(counts[place] ?? 0)")
    }
    let totals = try await totals()
    let unassigned = rows.count { $0.rolloutID == nil }
    if totals.spans != Int64(rows.count) { differences.append("totals: \(totals.spans) spans, are \(rows.count)") }
    if totals.unassigned != Int64(unassigned) {
      differences.append("totals: \(totals.unassigned) unassigned, are \(unassigned)")
    }
    return differences
  }

  /// Rollouts and attempts find the spans that say that they are theirs.
  private func placeDifferences(_ rows: [SpanRow]) async throws -> [String] {
    var differences: [String] = []
    func compare(_ title: String, _ query: SpanQuery, _ belongs: (SpanRow) -> Bool) async throws {
      let found = try await self.rows(query).map(\.name).sorted()
      let expected = rows.filter(belongs).map(\.name).sorted()
      if found != expected { differences.append("\(title) finds \(found), has \(expected)") }
    }
    try await compare("unassigned", SpanQuery(.unassigned)) { $0.rolloutID == nil }
    for rollout in Set(rows.compactMap(\.rolloutID)).union(["r1", "r2", "r3"]) {
      try await compare(rollout, SpanQuery(.rollout(rollout, attempt: .any))) { $0.rolloutID == rollout }
      for attempt in ["a1", "a2"] {
        try await compare("(\(rollout), \(attempt))", SpanQuery(.rollout(rollout, attempt: .id(attempt)))) {
          $0.rolloutID == rollout && $0.attemptID == attempt
        }
      }
    }
    return differences
  }
}

/// Work on tags has not come to an end.
struct TagsUnsettled: Error {
  /// What the store says of itself.
  var failure: StoreError?
}

/// Records what is wrong with a schedule, made as small as it can be made soon.
func report(
  _ problems: [String], seed: UInt64, _ schedule: AttributionSchedule, _ check: AttributionSchedule.Check
) async {
  // To wait for what does not end again and again would itself not end.
  let isStuck = problems.contains { $0.contains("\(TagsUnsettled.self)") }
  let (small, smallProblems) = isStuck ? (schedule, []) : await schedule.shrunk(problems, check)
  Issue.record(
    """
    seed \(seed)
    \(problems.joined(separator: "\n"))
    made smaller:
    \(smallProblems.joined(separator: "\n"))
    \(small)
    """)
}
