import JSON
import Telemetry
import Testing
import TraceStore
import Transport

@testable import QueryAPI

@Suite("Why a rollout is empty")
struct DiagnosisTests {
  private static let ids: [FakeAttribute] = [
    .init("prompt_token_ids", .integers([1, 2])), .init("response_token_ids", .integers([3])),
  ]
  private static let call: [FakeAttribute] = [
    .init("gen_ai.operation.name", .text("chat")), .init("gen_ai.usage.input_tokens", .integer(2)),
  ]
  private static let reward: [FakeAttribute] = [.init("agentlightning.reward.0.value", .number(0.5))]

  private func diagnose(
    refusals: [Refusal]? = nil, _ prepare: (inout FakeStore.State) -> Void
  ) throws -> RolloutDiagnosis {
    let session = FakeSession(store: FakeStore(prepare))
    return try RolloutExaminer.examine("r", session, now: 1_700_000_000_000_000_000, refusals: refusals)
  }

  private func codes(_ diagnosis: RolloutDiagnosis) -> [String] { diagnosis.findings.map(\.code) }

  @Test("a rollout that is as it should be has no findings")
  func healthy() throws {
    let diagnosis = try diagnose(refusals: []) { state in
      state.rollout = FakeRollout.rollout()
      state.attempts = [FakeRollout.attempt("a")]
      state.spans = [
        FakeSpan(
          sequence: 1, attemptID: "a",
          attributes: Self.call + Self.ids + [.init("logprobs.content", .text("[{}]"))]),
        FakeSpan(sequence: 2, attemptID: "a", start: 2, attributes: Self.reward),
      ]
      state.rules = [.explicit: 2]
      state.arrivalsAtEnds = ["a": 2]
    }
    #expect(diagnosis.findings == [])
    #expect(diagnosis.spans == 2 && diagnosis.examinedSpans == 2)
    let tally = diagnosis.tally
    #expect(tally.llmCalls == 1 && tally.withTokenIDs == 1 && tally.withLogProbabilities == 1)
    #expect(tally.rewardSpans == 1 && tally.lastReward == 0.5 && tally.late == 0)
    let second: UInt64 = 1_000_000_000
    #expect(diagnosis.unassigned.window == (FakeRollout.start + 1) * second..<(FakeRollout.start + 100) * second + 1)
  }

  @Test("nobody knows the rollout")
  func unknown() throws {
    let diagnosis = try diagnose { $0.unassigned = [UnassignedTests.unassigned()] }
    // Without a time, every trace would overlap.
    #expect(codes(diagnosis) == ["unknown"] && diagnosis.unassigned.window == nil)
  }

  @Test("nobody has begun, or nothing has come")
  func empty() throws {
    let queued = try diagnose { $0.rollout = FakeRollout.rollout(.queuing) }
    #expect(queued.findings.map(\.text).first?.contains("nobody has begun to work on it: it is queuing") == true)
    let silent = try diagnose { state in
      state.rollout = FakeRollout.rollout(.running)
      state.attempts = [FakeRollout.attempt("a", ended: false)]
    }
    #expect(codes(silent) == ["empty"])
    // What runs goes on until now.
    #expect(silent.unassigned.window?.upperBound == 1_700_000_000_000_000_001)
  }

  @Test("traces that overlap it may be its own")
  func unassigned() throws {
    func diagnosis(_ count: Int64) throws -> RolloutDiagnosis {
      try diagnose { state in
        state.rollout = FakeRollout.rollout()
        state.attempts = [FakeRollout.attempt("a")]
        state.unassigned = (1...count).map(UnassignedTests.unassigned)
      }
    }
    let three = try diagnosis(3)
    let text = try #require(three.findings.first?.text)
    #expect(three.findings.first?.level == .problem)
    #expect(text.hasPrefix("no span names this rollout; 3 unassigned traces overlap it in time: "))
    let id = TraceID(high: 1, low: 2)
    #expect(text.contains("\(id) (3 spans, session s); "))
    #expect(
      text.hasSuffix(
        #"with POST /api/v1/unassigned/claim {"trace_ids":["\#(id)"],"rollout_id":"r","attempt_id":"a"}"#))
    #expect(try diagnosis(1).findings.first?.text.contains("; 1 unassigned trace overlaps it") == true)
    let many = try diagnosis(30)
    #expect(many.unassigned.traces.count == 20 && many.unassigned.hasMore)
    #expect(many.findings.first?.text.contains("more than 20 unassigned traces") == true)
  }

  @Test("what was refused and named it is told, if it is known")
  func refused() throws {
    func refusal(_ rollouts: [String]) -> Refusal {
      Refusal(
        time: 1, transport: "http", peer: "p", reason: "invalid_id", detail: "span 0: bad", spans: 1,
        rolloutIDs: rollouts)
    }
    let diagnosis = try diagnose(refusals: [refusal(["q", "r"]), refusal(["R"]), refusal([])]) {
      $0.rollout = FakeRollout.rollout()
    }
    #expect(diagnosis.refusals?.count == 1)
    #expect(diagnosis.findings.first { $0.code == "refused" }?.text.hasSuffix("because: span 0: bad") == true)
    #expect(try diagnose { _ in }.refusals == nil)
  }

  @Test("calls without ids, rewards and numbers are counted")
  func incomplete() throws {
    let diagnosis = try diagnose { state in
      state.spans = [
        FakeSpan(sequence: 2, attemptID: "a", attributes: Self.call),
        FakeSpan(sequence: 5, attemptID: "a", name: "openai.chat.completion", attributes: Self.ids), FakeSpan(),
        FakeSpan(sequence: 9, attemptID: "b", attributes: [.init("gen_ai.operation.name", .text("execute_tool"))]),
      ]
      state.pending = 4
    }
    #expect(
      codes(diagnosis) == [
        "pending", "not_registered", "no_token_ids", "no_log_probabilities", "no_reward", "sequence_gaps",
      ])
    let texts = diagnosis.findings.map(\.text)
    #expect(texts.contains("1 of 2 calls of language models have no token ids"))
    #expect(texts.contains("none of the 2 calls of language models has log-probabilities"))
    #expect(texts.contains { $0.hasPrefix("6 of the sequence numbers 1 to 9 are not there (1, 3 to 4, 6 to 8): ") })
    #expect(diagnosis.sequence.unnumbered == 1)
    #expect(diagnosis.attempts.map(\.id) == [nil, "a", "b"])
  }

  @Test("calls that were bound after the reward are found, attempt by attempt")
  func behindReward() throws {
    let diagnosis = try diagnose { state in
      state.rollout = FakeRollout.rollout()
      state.attempts = [FakeRollout.attempt("a"), FakeRollout.attempt("b", 2), FakeRollout.attempt("c", 3)]
      state.spans = [
        FakeSpan(sequence: 1, attemptID: "a", start: 1, attributes: Self.call),
        FakeSpan(sequence: 2, attemptID: "a", start: 5, attributes: Self.reward),
        FakeSpan(sequence: 3, attemptID: "a", start: 2, attributes: Self.call, rule: .binding),
        FakeSpan(sequence: 4, attemptID: "a", start: 9, attributes: Self.call, rule: .binding),
        // Tracers number their spans by library, and their adapter does not go by that.
        FakeSpan(sequence: 6, attemptID: "a", name: "openai.chat.completion", start: 2),
        FakeSpan(sequence: 5, attemptID: "b", start: 3, attributes: Self.call),
      ]
    }
    #expect(diagnosis.attempts.map(\.tally.behindReward) == [1, 0, 0])
    #expect(diagnosis.findings.contains { $0.code == "behind_reward" && $0.text.hasPrefix("1 call of language") })
    #expect(diagnosis.findings.contains { $0.code == "empty_attempts" && $0.text.hasSuffix("attempt c") })
  }

  @Test("a call that a proxy recorded as several spans is one, and counts as the proxy's")
  func proxy() throws {
    func diagnosis(_ parent: UInt64?) throws -> SpanTally {
      try diagnose { state in
        state.spans = [
          FakeSpan(sequence: 1, attemptID: "a", start: 3, attributes: Self.reward),
          FakeSpan(sequence: 2, attemptID: "a", name: "litellm_request", attributes: [Self.ids[0]]),
          FakeSpan(sequence: 2, attemptID: "a", name: "raw_gen_ai_request", attributes: [Self.ids[1]], parent: parent),
        ]
      }.tally
    }
    let one = try diagnosis(2)
    #expect(one.llmSpans == 2 && one.llmCalls == 1 && one.withTokenIDs == 1 && one.behindReward == 1)
    // A parent that is no call, and one that is the span itself.
    for parent: UInt64? in [1, 3, nil] {
      let two = try diagnosis(parent)
      #expect(two.llmSpans == 2 && two.llmCalls == 2 && two.withTokenIDs == 0 && two.behindReward == 2)
    }
  }

  @Test("spans that came after the end of their attempt are late")
  func late() throws {
    let diagnosis = try diagnose { state in
      state.rollout = FakeRollout.rollout()
      state.attempts = [FakeRollout.attempt("a"), FakeRollout.attempt("b", 2, ended: false)]
      state.spans = ["a", "b", "a", "b", nil].map { FakeSpan(attemptID: $0) }
      state.arrivalsAtEnds = ["a": 1]
    }
    #expect(diagnosis.attempts.map(\.tally.late) == [1, nil, nil])
    #expect(diagnosis.findings.contains { $0.code == "late" && $0.text.hasPrefix("1 span came after") })
    #expect(diagnosis.findings.contains { $0.code == "without_attempt" && $0.text.hasPrefix("1 span of no attempt") })
  }

  @Test("is answered as JSON")
  func answer() async {
    let store = FakeStore { state in
      state.rollout = FakeRollout.rollout()
      state.attempts = [FakeRollout.attempt("a")]
      state.spans = [FakeSpan(sequence: 3, attemptID: "a", attributes: Self.reward)]
      state.rules = [.session: 1]
    }
    let answer = await ask(store, .get, "/api/v1/rollouts/r%2F1/diagnosis")
    #expect(answer.status == 200)
    let json = answer.json
    #expect(json?["rolloutId"] == .string("r/1") && json?["status"] == .string("succeeded"))
    #expect(json?["rules"] == .object([.init("session", .integer(1))]))
    #expect(json?["refused"] == .array([]) && json?["lateSpans"] == .null && json?["lastReward"] == .double(0.5))
    #expect(json?["sequence"]?["gaps"] == .array([.object([.init("from", .integer(1)), .init("to", .integer(2))])]))
    #expect(json?["attempts"]?.elements?.first?["startTimeUnixNano"] == .string("1699999010000000000"))
    #expect(json?["findings"]?.elements?.first?["code"] == .string("no_llm_spans"))
    #expect(await ask(FakeStore(), .get, "/api/v1/rollouts/nobody/diagnosis").status == 200)
  }
}
