import Arguments
import JSON
import SQLiteStore
import TraceStore

/// The command `fulgurite query rollouts`.
enum QueryRolloutsCommand {
  private static let pageSize = 10_000

  static func run(_ arguments: ParsedArguments) async -> Int32 {
    await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      try QueryCommand.format(arguments, of: ["table", "json"])
    } query: { reader, format in
      var summaries: [RolloutSummary] = []
      while true {
        let after = summaries.last?.position ?? 0
        let page = try await reader.read { session throws(StoreError) in
          try session.rollouts(after: after, limit: pageSize, mostAttempts: .max)
        }
        summaries += page
        if page.count < pageSize { break }
      }
      StandardOutput.write(format == "json" ? lines(summaries) : table(summaries))
      if summaries.isEmpty { StandardError.write("no rollouts found\n") }
    }
  }

  private static func table(_ summaries: [RolloutSummary]) -> String {
    let rows = summaries.flatMap { summary in
      summary.attempts.map { attempt in
        [
          summary.id, attempt.id ?? "-", String(attempt.spans), UTCTime.text(UInt64(attempt.firstArrival)),
          UTCTime.text(UInt64(attempt.lastArrival)),
        ]
      }
    }
    return TextTable.render(["ROLLOUT", "ATTEMPT", "SPANS", "FIRST", "LAST"], rows, flexible: 0)
  }

  private static func lines(_ summaries: [RolloutSummary]) -> String {
    var text = ""
    for summary in summaries {
      for attempt in summary.attempts {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("rolloutId")
        writer.string(summary.id)
        writer.key("attemptId")
        if let id = attempt.id { writer.string(id) } else { writer.null() }
        writer.key("spans")
        writer.integer(attempt.spans)
        writer.key("firstArrivalUnixNano")
        writer.integerString(attempt.firstArrival)
        writer.key("lastArrivalUnixNano")
        writer.integerString(attempt.lastArrival)
        writer.endObject()
        text += String(decoding: writer.bytes, as: UTF8.self) + "\n"
      }
    }
    return text
  }
}
