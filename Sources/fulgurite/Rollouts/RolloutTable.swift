import Glibc
import Telemetry

/// Rollouts as a table.
enum RolloutTable {
  static let titles = [
    "ROLLOUT", "STATUS", "MODE", "TRY", "ATTEMPT", "SPANS", "AGE", "TOOK", "HEARTBEAT", "WORKER", "REWARD",
  ]

  /// - Parameter now: Seconds since 1970, for ages.
  static func render(_ reports: [RolloutReport], now: Double) -> String {
    TextTable.render(titles, reports.map { cells($0, now: now) }, flexible: worker, dispensable: dispensable)
  }

  /// The same table for rows that come one by one.
  static func running() -> RunningTable {
    RunningTable(
      titles, widths: [15, 10, 5, 5, 12, 5, 5, 5, 9, 20, 6], flexible: worker, dispensable: dispensable)
  }

  private static let worker = 9
  /// Mode, how long it took, the status of the attempt, the worker.
  private static let dispensable = [2, 7, 4, worker]

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
    return shortly(reward)
  }

  /// A number with four digits that count, so that 0.1 + 0.2 takes the room of 0.3.
  ///
  /// What stands before the point is never rounded away.
  private static func shortly(_ number: Double) -> String {
    guard number.isFinite, number != 0 else { return "\(number)" }
    let digitsAfterPoint = max(0, 3 - Int(log10(abs(number)).rounded(.down)))
    // Beyond this, 10 to its power is not exact any more.
    guard digitsAfterPoint <= 22 else { return "\(number)" }
    let scale = pow(10, Double(digitsAfterPoint))
    let scaled = number * scale
    return scaled.isFinite ? "\(scaled.rounded() / scale)" : "\(number)"
  }
}
