import JSON
import LightningAPI
import Telemetry

/// Rollouts as lines of JSON: what Agent Lightning's client would get, with the number of spans and the reward.
enum RolloutLines {
  static func render(_ reports: [RolloutReport]) -> String { reports.map { line($0) }.joined() }

  /// - Parameter attempts: All attempts, where they are wanted beside the latest.
  static func line(_ report: RolloutReport, attempts: [Attempt]? = nil) -> String {
    var writer = JSONWriter()
    RolloutText.write(
      AttemptedRollout(rollout: report.rollout, attempt: report.attempt), to: &writer
    ) { writer in
      writer.key("spans")
      writer.integer(report.spanCount)
      writer.key("reward")
      if let reward = report.reward { writer.double(reward) } else { writer.null() }
      guard let attempts else { return }
      writer.key("attempts")
      RolloutText.write(attempts, to: &writer)
    }
    return String(decoding: writer.bytes, as: UTF8.self) + "\n"
  }
}
