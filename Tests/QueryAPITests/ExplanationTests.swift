import JSON
import Telemetry
import Testing
import Threads
import TraceStore
import Transport

@testable import QueryAPI

@Suite("Why a span is where it is")
struct ExplanationTests {
  private static let trace = TraceID(high: 1, low: 2)
  private static let span = SpanID(value: 3)
  private static let path = "/api/v1/spans/\(trace)/\(span)/attribution"
  private static let place = RolloutPlace(rolloutID: "r", attemptID: "a")

  private static func report(
    _ findings: [AttributionReport.Finding] = [], contradictions: [RolloutPlace] = [], isPending: Bool = false
  ) -> AttributionReport {
    AttributionReport(
      traceID: trace, spanID: span, variant: 0, parentID: SpanID(value: 2), rolloutID: findings.first?.place.rolloutID,
      attemptID: findings.first?.place.attemptID, rule: findings.first?.rule ?? .none, sequence: 4, findings: findings,
      contradictions: contradictions, isPending: isPending)
  }

  private static func binding(_ id: Int64) -> TraceBinding {
    TraceBinding(id: id, new: NewBinding(traceID: trace, rolloutID: "r", attemptID: "a"), created: 1)
  }

  @Test("is told with the evidence and what would be without it")
  func findings() async {
    let store = FakeStore {
      $0.reports = [
        Self.report([
          .init(rule: .ancestor, place: Self.place, evidence: .span(Self.trace, SpanID(value: 2), rule: .request)),
          .init(rule: .auto, place: RolloutPlace(rolloutID: "trace-1"), evidence: .option(.trace)),
        ])
      ]
    }
    let answer = await ask(store, .get, Self.path)
    #expect(answer.status == 200)
    let report = answer.json?["spans"]?.elements?.first
    #expect(report?["rule"] == .string("ancestor") && report?["rolloutId"] == .string("r"))
    #expect(report?["parentSpanId"] == .string("0000000000000002") && report?["sequence"] == .integer(4))
    #expect(
      report?["explanation"]?.text
        == "rollout r, attempt a: its nearest ancestor that says where it belongs is span 0000000000000002, by the rule "
        + "request. Without that, rollout trace-1: attribution.auto_rollout is trace, and nothing else assigns it.")
    let first = report?["findings"]?.elements?.first
    #expect(first?["evidence"]?["kind"] == .string("span") && first?["evidence"]?["rule"] == .string("request"))
    #expect(report?["otherwise"]?["rule"] == .string("auto"))
    #expect(report?["otherwise"]?["rolloutId"] == .string("trace-1"))
    #expect(store.state.withLock { $0.lists } == ["attribution \(Self.trace) \(Self.span)"])
  }

  @Test("is told when there is nothing, and when it changes")
  func nothing() async {
    let store = FakeStore {
      $0.reports = [
        Self.report(
          contradictions: [Self.place, RolloutPlace(rolloutID: "q")], isPending: true)
      ]
    }
    let report = await ask(store, .get, Self.path).json?["spans"]?.elements?.first
    #expect(
      report?["explanation"]?.text
        == "Nothing says to which rollout it belongs. What is known of its trace contradicts itself and counts for "
        + "nothing: rollout r, attempt a, rollout q. It is yet to be tagged anew, and may show its former place.")
    #expect(report?["rolloutId"] == .null && report?["pending"] == .bool(true))
    #expect(report?["otherwise"]?["rule"] == .string("none"))
    #expect(report?["contradictions"]?.elements?.last?["rolloutId"] == .string("q"))
  }

  @Test("has words for every kind of evidence")
  func words() {
    let session = SessionRegistration(id: 9, new: NewSession(session: "s", rolloutID: "r", from: 1), created: 1)
    let table: [(TagRule, AttributionReport.Evidence, String)] = [
      (.explicit, .own, "attributes"), (.request, .own, "headers"), (.context, .own, "W3C"),
      (.subtree, .bindings([Self.binding(1)]), "binding 1 bound"),
      (.subtree, .bindings((1...9).map(Self.binding)), "bindings 1, 2, 3, 4, 5, 6, 7, 8 and 1 more bound"),
      (.binding, .trace(bindings: [Self.binding(2)], spans: 1), "binding 2, 1 span that says so itself"),
      (.binding, .trace(bindings: [], spans: 2), "2 spans that say so themselves"),
      (.link, .span(Self.trace, Self.span, rule: .explicit), "links to span 0000000000000003"),
      (.session, .session(session), "session s was registered"), (.auto, .option(.session), "auto_rollout is session"),
    ]
    for (rule, evidence, words) in table {
      let sentence = AttributionText.sentence(.init(rule: rule, place: Self.place, evidence: evidence))
      #expect(sentence.hasPrefix("rollout r, attempt a: ") && sentence.contains(words), "\(sentence)")
    }
  }

  @Test("cannot be told of a span that is not there")
  func unknown() async {
    #expect(await ask(FakeStore(), .get, Self.path).status == 404)
  }
}
