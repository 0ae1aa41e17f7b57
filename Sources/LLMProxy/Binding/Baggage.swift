import Transport

/// The ids that a request's baggage names ([W3C Baggage](https://www.w3.org/TR/baggage/)).
struct Baggage {
  private static let maximumLength = 8192
  private static let maximumMembers = 64

  private(set) var rolloutID: String?
  private(set) var attemptID: String?

  init(_ values: [String]) {
    guard !values.isEmpty, values.reduce(0, { $0 + $1.utf8.count }) <= Self.maximumLength else { return }
    let members = values.flatMap { $0.parts(separatedBy: UInt8(ascii: ",")) }
    guard members.count <= Self.maximumMembers else { return }
    for member in members {
      let pair = member.prefix { $0 != ";" }.split(separator: "=", maxSplits: 1)
      guard pair.count == 2, let value = PercentEncoding.decode(pair[1].trimmed), !value.isEmpty else { continue }
      switch pair[0].trimmed {
      case "agentlightning.rollout_id": rolloutID = rolloutID ?? value
      case "agentlightning.attempt_id": attemptID = attemptID ?? value
      default: break
      }
    }
  }
}
