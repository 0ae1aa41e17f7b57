import Telemetry

/// Rollouts as a table.
enum RolloutTable {
  static let titles = [
    "ROLLOUT", "STATUS", "MODE", "TRY", "ATTEMPT", "SPANS", "STARTED", "TOOK", "HEARTBEAT", "WORKER", "REWARD",
  ]

  static func render(_ reports: [RolloutReport]) -> String {
    TextTable.render(titles, reports.map(cells), flexible: 9)
  }

  static func cells(_ report: RolloutReport) -> [String] {
    let rollout = report.rollout
    return [
      rollout.id, rollout.status.rawValue, rollout.mode?.rawValue ?? "-",
      report.attempt.map { "\($0.sequence)/\(rollout.config.maxAttempts)" } ?? "-",
      report.attempt?.status.rawValue ?? "-", String(report.spanCount), UTCTime.text(seconds: rollout.startTime),
      took(from: rollout.startTime, to: rollout.endTime), UTCTime.text(seconds: report.attempt?.lastHeartbeatTime),
      report.attempt?.workerID ?? "-", reward(report),
    ]
  }

  static func reward(_ report: RolloutReport) -> String {
    guard let reward = report.reward else { return "-" }
    return "\(reward)"
  }

  /// A duration for people; `-` when it has no end.
  static func took(from start: Double, to end: Double?) -> String {
    guard let end, end >= start else { return "-" }
    let tenths = Int64(min((end - start) * 10, 1e15))
    return "\(tenths / 10).\(tenths % 10) s"
  }
}
