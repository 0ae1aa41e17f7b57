import Arguments
import SQLiteStore
import Telemetry
import TraceStore

/// The command `fulgurite rollouts tail`: prints a line whenever a rollout changes its status, and while it has not ended
/// also when its latest attempt does.
enum RolloutsTailCommand {
  /// Changes that follow each other faster are seen as one.
  private static let interval = Duration.milliseconds(500)
  /// How much longer than a look the pause after it is, at least: a look goes through all rollouts that have ended.
  private static let pausesPerLook = 4

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      try QueryCommand.format(arguments, of: ["table", "json"])
    } query: { reader, format in
      var tail = RolloutTail()
      let table = RolloutTable.running()
      if format == "table" { StandardOutput.write(table.line(RolloutTable.titles)) }
      while !StandardOutput.isLost {
        let started = ContinuousClock.now
        let (next, changed) = try await reader.read { [tail] session throws(StoreError) in
          var tail = tail
          let changed = try tail.look(session)
          return (tail, changed)
        }
        tail = next
        let took = started.duration(to: .now)
        let now = Double(WallClock.nanosecondsSince1970()) / 1e9
        for report in changed {
          let line = format == "json" ? RolloutLines.line(report) : table.line(RolloutTable.cells(report, now: now))
          StandardOutput.write(line)
        }
        try await Task.sleep(for: max(interval, took * pausesPerLook))
        // Nobody may change anything for hours.
        StandardOutput.look()
      }
    }
  }
}

/// What a tail has seen.
struct RolloutTail: Sendable {
  /// What is compared.
  private struct State: Hashable {
    var status: RolloutStatus
    var attempt: String?
    var attemptStatus: AttemptStatus?

    init(_ found: AttemptedRollout) {
      status = found.rollout.status
      attempt = found.attempt?.id
      attemptStatus = found.attempt?.status
    }
  }

  /// Rollouts that had not ended at the last look.
  private var open: [String: State] = [:]
  /// When the rollout ended that ended last, and those that ended then.
  private var lastEnd = -Double.infinity
  private var lastEnded: [String: State] = [:]
  private var newest: String?
  private var isFirst = true

  /// The rollouts that have changed since the last look; at first those that have not ended.
  ///
  /// One that has ended has changed when it has ended again: its end tells, so that not all of them have to be remembered.
  mutating func look(_ session: any ReadSession) throws(StoreError) -> [RolloutReport] {
    var query = RolloutQuery()
    query.statuses = RolloutStatus.allCases.filter { !$0.isFinished }
    var candidates = try session.rollouts(query).items
    let unfinished = Set(candidates.map(\.rollout.id))
    // Those that have ended since, also after another end, and those that were made and have ended.
    candidates += try session.rollouts(open.keys.filter { !unfinished.contains($0) }.sorted())
    var known = unfinished.union(open.keys)
    for found in try ended(session) + new(session) where known.insert(found.rollout.id).inserted {
      if lastEnded[found.rollout.id] != State(found) { candidates.append(found) }
    }
    var changed: [RolloutReport] = []
    for found in candidates {
      let state = State(found)
      if open[found.rollout.id] != state { changed.append(try RolloutReport(found, session)) }
      open[found.rollout.id] = state.status.isFinished ? nil : state
      note(found)
    }
    isFirst = false
    return changed
  }

  /// Remembers a rollout that has ended, if none has ended later.
  private mutating func note(_ found: AttemptedRollout) {
    guard found.rollout.status.isFinished, let end = found.rollout.endTime, end >= lastEnd else { return }
    if end > lastEnd { lastEnded = [:] }
    lastEnd = end
    lastEnded[found.rollout.id] = State(found)
  }

  /// Rollouts that have ended since the last look, in the order of their ends; at first none.
  private mutating func ended(_ session: any ReadSession) throws(StoreError) -> [AttemptedRollout] {
    var query = RolloutQuery()
    query.statuses = RolloutStatus.allCases.filter(\.isFinished)
    query.endedSince = lastEnd
    query.page.sortKey = .endTime
    if isFirst {
      query.page.isDescending = true
      query.page.limit = 1
      guard let end = try session.rollouts(query).items.first?.rollout.endTime else { return [] }
      query.page.limit = nil
      query.endedSince = end
    }
    let found = try session.rollouts(query).items
    guard isFirst else { return found }
    for found in found { note(found) }
    return []
  }

  /// Rollouts that were made since the last look.
  private mutating func new(_ session: any ReadSession) throws(StoreError) -> [AttemptedRollout] {
    var query = RolloutQuery()
    if isFirst {
      query.page.sortKey = .newest
      query.page.limit = 1
    } else {
      query.newerThan = newest
    }
    let found = try session.rollouts(query).items
    newest = found.last?.rollout.id ?? newest
    return isFirst ? [] : found
  }
}
