import GenAI
import Telemetry
import Transport

/// The rollout and attempt that a request names, and what its span says about it.
struct CallBinding {
  /// Something of a request that names a place.
  struct Claim: Hashable {
    /// `session_key`, `path`, `headers`, `baggage`.
    var source: String
    var rolloutID: String?
    var attemptID: String?
  }

  /// By rule 2; unassigned when nothing of the request names a place.
  private(set) var tag = RolloutTag.unassigned
  /// `agentlightning.binding.conflict`, sessions, baggage.
  private(set) var attributes: [(key: String, value: CallContext.Value)] = []

  /// - Parameters:
  ///   - key: The place of the session key that was presented.
  ///   - isTrusted: Whether the headers of the request count.
  ///   - sessionHeaders: Header fields that name a session, in lower case.
  init(
    key: (rolloutID: String, attemptID: String)?, _ path: ProxyPath, _ headers: HTTPHeaders, isTrusted: Bool,
    sessionHeaders: [String]
  ) {
    var claims: [Claim] = []
    if let key { claims.append(Claim(source: "session_key", rolloutID: key.rolloutID, attemptID: key.attemptID)) }
    if let rollout = path.rollout { claims.append(Claim(source: "path", rolloutID: rollout, attemptID: path.attempt)) }
    if isTrusted { claims += Self.claims(of: headers) }
    if let first = claims.first(where: { $0.source != "baggage" }) {
      tag = RolloutTag(rolloutID: first.rolloutID, attemptID: first.attemptID, rule: .request)
    }
    addConflict(claims)
    if isTrusted { addBaggage(claims) }
    addSessions(headers, sessionHeaders)
  }

  private static func claims(of headers: HTTPHeaders) -> [Claim] {
    var claims: [Claim] = []
    let (rollout, attempt) = (id(headers, "x-rollout-id"), id(headers, "x-attempt-id"))
    if rollout != nil || attempt != nil {
      claims.append(Claim(source: "headers", rolloutID: rollout, attemptID: attempt))
    }
    let baggage = Baggage(headers.all("baggage"))
    if baggage.rolloutID != nil || baggage.attemptID != nil {
      claims.append(Claim(source: "baggage", rolloutID: baggage.rolloutID, attemptID: baggage.attemptID))
    }
    return claims
  }

  private static func id(_ headers: HTTPHeaders, _ name: String) -> String? {
    guard let value = headers.first(name), ProxyPath.isID(value) else { return nil }
    return value
  }

  /// Notes that the request names several places: the first one counts.
  private mutating func addConflict(_ claims: [Claim]) {
    guard let first = claims.first else { return }
    let others = claims.dropFirst().filter { other in
      differ(first.rolloutID, other.rolloutID) || differ(first.attemptID, other.attemptID)
    }
    guard !others.isEmpty else { return }
    let text = ([first] + others).map { "\($0.source)=\($0.rolloutID ?? "")/\($0.attemptID ?? "")" }
    attributes.append(("agentlightning.binding.conflict", .text(text.joined(separator: " "))))
  }

  private func differ(_ first: String?, _ second: String?) -> Bool {
    guard let first, let second else { return false }
    return first != second
  }

  /// Copies the ids of the baggage as SDKs do, where rule 3 finds them.
  private mutating func addBaggage(_ claims: [Claim]) {
    guard let claim = claims.first(where: { $0.source == "baggage" }) else { return }
    if let id = claim.rolloutID { attributes.append(("baggage.agentlightning.rollout_id", .text(id))) }
    if let id = claim.attemptID { attributes.append(("baggage.agentlightning.attempt_id", .text(id))) }
  }

  private mutating func addSessions(_ headers: HTTPHeaders, _ names: [String]) {
    if let session = (names + ["x-clawrouter-session-id"]).lazy.compactMap({ headers.first($0) }).first(
      where: Self.isSession)
    {
      attributes.append(("session.id", .text(session)))
    }
    if let session = headers.first("x-openclaw-session-key"), Self.isSession(session) {
      attributes.append(("openclaw.sessionKey", .text(session)))
    }
  }

  private static func isSession(_ text: String) -> Bool { (1...SpanSession.maximumLength).contains(text.utf8.count) }
}
