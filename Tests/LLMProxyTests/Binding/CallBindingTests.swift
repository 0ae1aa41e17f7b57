import GenAI
import Telemetry
import Testing
import Transport

@testable import LLMProxy

@Suite struct CallBindingTests {
  private func path(_ text: String) throws -> ProxyPath {
    try ProxyPath(text, UpstreamTable([], default: nil), allowsKey: false)
  }

  private func binding(
    _ headers: HTTPHeaders = [:], path text: String = "/v1/chat/completions",
    key: (rolloutID: String, attemptID: String)? = nil, isTrusted: Bool = true
  ) throws -> CallBinding {
    CallBinding(
      key: key, try path(text), headers, isTrusted: isTrusted, sessionHeaders: ["agent-session-id", "x-session-id"])
  }

  private func text(_ binding: CallBinding, _ key: String) -> String? {
    for attribute in binding.attributes where attribute.key == key {
      if case .text(let text) = attribute.value { return text }
    }
    return nil
  }

  @Test func takesTheStrongestSource() throws {
    let headers: HTTPHeaders = ["x-rollout-id": "hr", "x-attempt-id": "ha"]
    let bound = "/rollout/pr/attempt/pa/v1/chat/completions"
    let all = try binding(headers, path: bound, key: ("kr", "ka"))
    #expect(all.tag == RolloutTag(rolloutID: "kr", attemptID: "ka", rule: .request))
    #expect(text(all, "agentlightning.binding.conflict") == "session_key=kr/ka path=pr/pa headers=hr/ha")
    let two = try binding(headers, path: bound)
    #expect(two.tag == RolloutTag(rolloutID: "pr", attemptID: "pa", rule: .request))
    let one = try binding(headers)
    #expect(one.tag == RolloutTag(rolloutID: "hr", attemptID: "ha", rule: .request))
    #expect(text(one, "agentlightning.binding.conflict") == nil)
    #expect(try binding().tag == .unassigned)
  }

  @Test func believesHeadersOfTrustedCallersAlone() throws {
    let headers: HTTPHeaders = ["x-rollout-id": "hr", "x-attempt-id": "ha", "baggage": "agentlightning.rollout_id=br"]
    let stranger = try binding(headers, isTrusted: false)
    #expect(stranger.tag == .unassigned)
    #expect(stranger.attributes.isEmpty)
    // The path was given to the caller by whoever bound it.
    #expect(try binding(headers, path: "/rollout/r/attempt/a/x", isTrusted: false).tag.rolloutID == "r")
  }

  @Test func keepsAPart() throws {
    #expect(try binding(["x-rollout-id": "r"]).tag == RolloutTag(rolloutID: "r", rule: .request))
    #expect(try binding(["x-rollout-id": "", "x-attempt-id": "a b"]).tag == .unassigned)
  }

  @Test func leavesBaggageToItsOwnRule() throws {
    let found = try binding(["baggage": "x=1, agentlightning.rollout_id=ro%2D1;p=2 ,agentlightning.attempt_id=at"])
    #expect(found.tag == .unassigned)
    #expect(text(found, "baggage.agentlightning.rollout_id") == "ro-1")
    #expect(text(found, "baggage.agentlightning.attempt_id") == "at")
  }

  @Test func agreesWithTheSamePlaceTwice() throws {
    let found = try binding(["x-rollout-id": "r"], path: "/rollout/r/attempt/a/x")
    #expect(text(found, "agentlightning.binding.conflict") == nil)
  }

  @Test func notesSessions() throws {
    #expect(text(try binding(["x-session-id": "s2", "agent-session-id": "s1"]), "session.id") == "s1")
    #expect(text(try binding(["x-clawrouter-session-id": "c"]), "session.id") == "c")
    #expect(text(try binding(["x-openclaw-session-key": "k"]), "openclaw.sessionKey") == "k")
    let long = String(repeating: "x", count: 1025)
    #expect(try binding(["x-session-id": long]).attributes.isEmpty)
  }
}
