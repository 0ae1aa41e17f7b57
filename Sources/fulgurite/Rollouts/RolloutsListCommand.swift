import Arguments
import SQLiteStore
import Telemetry
import TraceStore

/// The command `fulgurite rollouts list`.
enum RolloutsListCommand {
  private static let defaultLimit = 100

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      (try QueryCommand.format(arguments, of: ["table", "json"]), try query(arguments))
    } query: { reader, request in
      let (format, query) = request
      let (reports, total) = try await reader.read { session throws(StoreError) in
        let page = try session.rollouts(query)
        var reports: [RolloutReport] = []
        for found in page.items { reports.append(try RolloutReport(found, session)) }
        return (reports, page.total)
      }
      let now = Double(WallClock.nanosecondsSince1970()) / 1e9
      StandardOutput.write(format == "json" ? RolloutLines.render(reports) : RolloutTable.render(reports, now: now))
      if reports.isEmpty {
        StandardError.write("no rollouts found; 'fulgurite query rollouts' lists those that only spans name\n")
      } else if total > reports.count {
        StandardError.write("the newest \(reports.count) of \(total); --limit shows more\n")
      }
    }
  }

  /// The newest first.
  private static func query(_ arguments: ParsedArguments) throws(QueryCommand.Misuse) -> RolloutQuery {
    var query = RolloutQuery()
    query.page.sortKey = .newest
    query.page.limit = try QueryCommand.limit(arguments) ?? defaultLimit
    guard let text = arguments.value(of: "--status") else { return query }
    guard let status = RolloutStatus(rawValue: text) else {
      let names = RolloutStatus.allCases.map(\.rawValue).joined(separator: ", ")
      throw QueryCommand.Misuse(message: "--status is one of \(names)")
    }
    query.statuses = [status]
    return query
  }
}
