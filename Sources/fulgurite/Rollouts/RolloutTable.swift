import Telemetry

/// Rollouts as a table.
enum RolloutTable {
  static let titles = [
    "ROLLOUT", "STATUS", "MODE", "TRY", "ATTEMPT", "SPANS", "AGE", "TOOK", "HEARTBEAT", "WORKER", "REWARD",
  ]

  /// - Parameter now: Seconds since 1970, for ages.
  static func render(_ reports: [RolloutReport], now: Double) -> String {
    TextTable.render(
      titles, reports.map { cells($0, now: now) }, flexible: 9,
      // Mode, how long it took, the status of the attempt, the worker.
      dispensable: [2, 7, 4, 9])
  }

  static func cells(_ report: RolloutReport, now: Double) -> [String] {
    let rollout = report.rollout
    return [
      rollout.id, rollout.status.rawValue, rollout.mode?.rawValue ?? "-",
      report.attempt.map { "\($0.sequence)/\(rollout.config.maxAttempts)" } ?? "-",
      report.attempt?.status.rawValue ?? "-", String(report.spanCount),
      Elapsed.text(from: rollout.startTime, to: now), Elapsed.text(from: rollout.startTime, to: rollout.endTime),
      Elapsed.text(from: report.attempt?.lastHeartbeatTime, to: now), report.attempt?.workerID ?? "-", reward(report),
    ]
  }

  static func reward(_ report: RolloutReport) -> String {
    guard let reward = report.reward else { return "-" }
    return "\(reward)"
  }
}
