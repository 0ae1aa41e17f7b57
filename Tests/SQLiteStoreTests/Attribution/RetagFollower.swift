import SQLiteStore
import Telemetry
import TraceStore

/// Keeps the tags that it has read up to date by the changes that are published.
actor RetagFollower {
  private struct Tags: Hashable, CustomStringConvertible {
    var rollout: String?
    var attempt: String?
    var rule: TagRule
    var sequence: Int64?

    var description: String { "(\(rollout ?? "-"), \(attempt ?? "-"), \(rule.name), \(sequence ?? -1))" }

    func isPlace(_ tag: RolloutTag) -> Bool {
      rollout == tag.rolloutID && attempt == tag.attemptID && rule == tag.rule
    }
  }

  private var next: RetagCursor?
  /// By arrival number.
  private var known: [Int64: Tags] = [:]

  /// Takes the changes of a store, and compares what it knows with what is stored.
  func problems(_ store: SQLiteStore) async throws -> [String] {
    try await store.settleTags()
    let now = store.retags.page(after: nil, limit: 1).next
    let isNew = now.epoch != next?.epoch
    if isNew {
      // The store is another one, or was opened again.
      known = [:]
      next = RetagCursor(epoch: now.epoch, number: 0)
    }
    let page = store.retags.page(after: next, limit: 10_000)
    // One that is opened may go on with its work before anybody follows.
    var problems = page.isLost && !isNew ? ["changes were lost"] : []
    next = page.next
    for retag in page.retags { if let problem = take(retag) { problems.append(problem) } }
    for trace in UInt64(1)...9 {
      for row in try await store.rows(SpanQuery(.trace(TestSpan.traceID(trace)))) {
        let stored = Tags(rollout: row.rolloutID, attempt: row.attemptID, rule: row.rule, sequence: row.sequence)
        let followed = known.updateValue(stored, forKey: row.arrival)
        if let followed, followed != stored { problems.append("\(row.name): followed \(followed), stored \(stored)") }
      }
    }
    return problems
  }

  private func take(_ retag: Retag) -> String? {
    let tags = Tags(
      rollout: retag.after.rolloutID, attempt: retag.after.attemptID, rule: retag.after.rule, sequence: retag.sequence)
    let before = known.updateValue(tags, forKey: retag.arrival)
    if let before, !before.isPlace(retag.before) { return "\(retag): was \(before)" }
    return before == tags ? "\(retag): is no change" : nil
  }
}
