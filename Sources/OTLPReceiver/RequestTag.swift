import Telemetry
import Transport

/// Reads the rollout and the attempt that a request names outside of its body.
enum RequestTag {
  /// The tag of a request.
  ///
  /// The path `/rollout/{rollout}/attempt/{attempt}/...` goes before the headers `x-rollout-id` and `x-attempt-id`.
  static func read(_ request: HTTPRequest) -> RolloutTag {
    var tag = RolloutTag(
      rolloutID: nonEmpty(request.headers.first("x-rollout-id")),
      attemptID: nonEmpty(request.headers.first("x-attempt-id")), rule: .request)
    if let (rollout, attempt) = ids(inPath: request.path) {
      tag.rolloutID = rollout
      tag.attemptID = attempt
    }
    return tag.rolloutID == nil && tag.attemptID == nil ? .unassigned : tag
  }

  private static func ids(inPath path: String) -> (String, String)? {
    guard path.hasPrefix("/rollout/") else { return nil }
    let parts = path.split(separator: "/", maxSplits: 4, omittingEmptySubsequences: true)
    guard parts.count >= 4, parts[2] == "attempt" else { return nil }
    guard let rollout = nonEmpty(PercentEncoding.decode(parts[1])),
      let attempt = nonEmpty(PercentEncoding.decode(parts[3]))
    else { return nil }
    return (rollout, attempt)
  }

  private static func nonEmpty(_ text: String?) -> String? { text?.isEmpty == false ? text : nil }
}
