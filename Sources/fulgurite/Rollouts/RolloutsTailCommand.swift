import Arguments
import SQLiteStore
import Telemetry
import TraceStore

/// The command `fulgurite rollouts tail`: prints a line whenever a rollout or its latest attempt changes its status.
enum RolloutsTailCommand {
  /// Changes that follow each other faster are seen as one.
  private static let interval = Duration.milliseconds(500)

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      try QueryCommand.format(arguments, of: ["table", "json"])
    } query: { reader, format in
      var tail = RolloutTail()
      if format == "table" { StandardOutput.write(line(RolloutTable.titles)) }
      while true {
        let (next, changed) = try await reader.read { [tail] session throws(StoreError) in
          var tail = tail
          let changed = try tail.look(session)
          return (tail, changed)
        }
        tail = next
        let now = Double(WallClock.nanosecondsSince1970()) / 1e9
        for report in changed {
          let cells = RolloutTable.cells(report, now: now)
          StandardOutput.write(format == "json" ? RolloutLines.line(report) : line(cells))
        }
        try await Task.sleep(for: interval)
      }
    }
  }

  /// Columns of a fixed width: rows that are still to come are not known.
  private static func line(_ cells: [String]) -> String {
    let widths = [15, 10, 5, 3, 12, 5, 5, 5, 9, 10, 0]
    var line = ""
    for (cell, width) in zip(cells, widths) {
      let shown = TextTable.printable(cell)
      line += shown + String(repeating: " ", count: max(0, width - shown.count)) + "  "
    }
    while line.last == " " { line.removeLast() }
    return line + "\n"
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
  private var newest: String?
  private var isFirst = true

  /// The rollouts that have changed since the last look; at first those that have not ended.
  mutating func look(_ session: any ReadSession) throws(StoreError) -> [RolloutReport] {
    var query = RolloutQuery()
    query.statuses = RolloutStatus.allCases.filter { !$0.isFinished }
    var candidates = try session.rollouts(query).items
    let unfinished = Set(candidates.map(\.rollout.id))
    // Those that have ended since, and those that were made and have ended.
    candidates += try session.rollouts(open.keys.filter { !unfinished.contains($0) }.sorted())
    candidates += try new(session).filter { !unfinished.contains($0.rollout.id) && open[$0.rollout.id] == nil }
    var changed: [RolloutReport] = []
    for found in candidates {
      let state = State(found)
      if open[found.rollout.id] != state { changed.append(try RolloutReport(found, session)) }
      open[found.rollout.id] = state.status.isFinished ? nil : state
    }
    return changed
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
    defer { isFirst = false }
    return isFirst ? [] : found
  }
}
