import Arguments
import SQLiteStore
import Telemetry
import TraceStore

/// The command `fulgurite rollouts show`.
enum RolloutsShowCommand {
  static func run(_ arguments: ParsedArguments) async -> Int32 {
    let id = arguments.operands[0]
    return await QueryCommand.run(arguments) { () throws(QueryCommand.Misuse) in
      try QueryCommand.format(arguments, of: ["table", "json"])
    } query: { reader, format in
      let found = try await reader.read { session throws(StoreError) -> (RolloutReport, [Attempt])? in
        guard let rollout = try session.rollouts([id]).first else { return nil }
        return (try RolloutReport(rollout, session), try session.attempts(AttemptQuery(rolloutID: id)).items)
      }
      guard let (report, attempts) = found else {
        throw StoreError(
          .refused, "there is no rollout \(id); 'fulgurite query rollouts' lists those that only spans name")
      }
      StandardOutput.write(format == "json" ? RolloutLines.line(report, attempts: attempts) : text(report, attempts))
    }
  }

  private static func text(_ report: RolloutReport, _ attempts: [Attempt]) -> String {
    FieldList.render(fields(report)) + "\n" + table(attempts, report.spans)
  }

  private static func fields(_ report: RolloutReport) -> [(name: String, value: String)] {
    let rollout = report.rollout
    let conditions = rollout.config.retryCondition.map(\.rawValue).joined(separator: ", ")
    return [
      ("rollout", rollout.id),
      ("status", rollout.status.rawValue),
      ("mode", rollout.mode?.rawValue ?? "-"),
      ("started", UTCTime.text(seconds: rollout.startTime)),
      ("ended", UTCTime.text(seconds: rollout.endTime)),
      ("resources", rollout.resourcesID ?? "-"),
      ("timeout", seconds(rollout.config.timeoutSeconds)),
      ("unresponsive after", seconds(rollout.config.unresponsiveSeconds)),
      ("attempts", "at most \(rollout.config.maxAttempts)"),
      ("again after", conditions.isEmpty ? "-" : conditions),
      ("spans", String(report.spanCount)),
      ("reward", report.reward.map { "\($0)" } ?? "-"),
      ("input", rollout.input.text),
      ("metadata", rollout.metadata?.text ?? "-"),
    ]
  }

  private static func seconds(_ duration: Double?) -> String {
    guard let duration else { return "-" }
    return "\(duration) s"
  }

  private static func table(_ attempts: [Attempt], _ spans: [String: Int64]) -> String {
    let rows = attempts.map { attempt in
      [
        String(attempt.sequence), attempt.id, attempt.status.rawValue, String(spans[attempt.id] ?? 0),
        UTCTime.text(seconds: attempt.startTime), Elapsed.text(from: attempt.startTime, to: attempt.endTime),
        UTCTime.text(seconds: attempt.lastHeartbeatTime), attempt.workerID ?? "-",
      ]
    }
    return TextTable.render(
      ["TRY", "ATTEMPT", "STATUS", "SPANS", "STARTED", "TOOK", "HEARTBEAT", "WORKER"], rows, flexible: 7,
      dispensable: [6, 5])
  }
}
