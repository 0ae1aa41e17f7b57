import Testing

@testable import QueryAPI

@Suite("What the contents of a span show")
struct SpanTraitsTests {
  private func traits(_ name: String, _ attributes: [FakeAttribute]) throws -> SpanTraits {
    let bytes = FakeAttribute.span(attributes)
    return try SpanTraits(bytes.span, at: 0..<bytes.count, name: name)
  }

  @Test(
    "calls of language models are known by their names and attributes",
    arguments: [
      ("openai.chat.completion", "", true), ("raw_gen_ai_request", "", true), ("litellm_request", "", true),
      ("work", "", false), ("x", "gen_ai.prompt.0.content", true), ("x", "gen_ai.usage.output_tokens", true),
      ("x", "gen_ai.conversation.id", false), ("x", "gen_ai.tool.name", false),
    ])
  func calls(name: String, key: String, expected: Bool) throws {
    #expect(try traits(name, key.isEmpty ? [] : [.init(key, .text("x"))]).isLLM == expected)
  }

  @Test(
    "what a span says that it does goes before its attributes",
    arguments: [
      ("chat", true), ("text_completion", true), ("generate_content", true), ("embeddings", false),
      ("invoke_agent", false), ("execute_tool", false),
    ])
  func operations(operation: String, expected: Bool) throws {
    let attributes: [FakeAttribute] = [
      .init("gen_ai.request.model", .text("m")), .init("gen_ai.operation.name", .text(operation)),
    ]
    #expect(try traits("x", attributes).isLLM == expected)
  }

  @Test("token ids are there when prompt and response have some")
  func tokenIDs() throws {
    func has(_ prompt: FakeAttribute.Value, _ response: FakeAttribute.Value, _ prefix: String = "") throws -> Bool {
      try traits(
        "x", [.init(prefix + "prompt_token_ids", prompt), .init(prefix + "response_token_ids", response)]
      ).hasTokenIDs
    }
    #expect(try has(.integers([1]), .integers([2])))
    #expect(try has(.text("[1, 2]"), .text("[[3]]"), "llm.hosted_vllm."))
    #expect(try !has(.integers([1]), .integers([])))
    #expect(try !has(.text("[]"), .text("[1]")))
    #expect(try !has(.text("None"), .text("[1]")))
  }

  @Test("choices of the proxy are looked into")
  func choices() throws {
    func traits(_ choices: String) throws -> SpanTraits {
      try self.traits(
        "raw_gen_ai_request",
        [.init("llm.hosted_vllm.prompt_token_ids", .text("[1]")), .init("llm.hosted_vllm.choices", .text(choices))])
    }
    #expect(try traits("[{'index': 0, 'token_ids': [5, 6], 'logprobs': None}]").hasTokenIDs)
    #expect(try !traits("[{'index': 0, 'token_ids': [5, 6], 'logprobs': None}]").hasLogProbabilities)
    #expect(try traits(#"[{"token_ids":[],"logprobs":{"content":[]}}]"#).hasLogProbabilities)
    #expect(try !traits(#"[{"token_ids":[]}]"#).hasTokenIDs)
    #expect(try !traits("[{'text': 'token_ids'}]").hasTokenIDs)
    #expect(try !traits("[{'token_ids").hasTokenIDs)
  }

  @Test("a reward is a number")
  func rewards() throws {
    #expect(try traits("x", [.init("agentlightning.reward.0.value", .integer(1))]).reward == 1)
    #expect(try traits("x", [.init("agentlightning.reward.0.value", .text("1"))]).reward == nil)
    #expect(try traits("x", [.init("agentlightning.reward.1.value", .number(1))]).reward == nil)
  }
}

@Suite("Sequence numbers")
struct SequenceReportTests {
  @Test("count from 1, and repeats are no gaps")
  func gaps() {
    let report = SequenceReport([3, nil, 2, 2, 7, 1])
    #expect(report.numbered == 5 && report.unnumbered == 1 && report.first == 1 && report.last == 7)
    #expect(report.missing == 3 && report.gaps == [4...6])
    #expect(SequenceReport([]).gaps.isEmpty && SequenceReport([]).last == nil)
    #expect(SequenceReport([0, 1]).missing == 0)
  }

  @Test("may be as large as they like")
  func large() {
    let report = SequenceReport([.max, .min, 0])
    #expect(report.missing == .max - 1 && report.gaps == [1...(.max - 1)])
    #expect(SequenceReport((1...40).map { $0 * 2 }).gaps.count == SequenceReport.mostGaps)
  }
}
