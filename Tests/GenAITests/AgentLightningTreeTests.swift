import GenAI
import JSON
import Telemetry
import Testing

/// The tree that Agent Lightning's adapters read.
@Suite struct AgentLightningTreeTests {
  @Test(
    "token ids and log probabilities are on the call, and raw ones beneath it",
    arguments: [
      "chat_vllm_token_ids", "chat_stream_vllm_token_ids",
    ])
  func tokens(name: String) throws {
    let example = LLMCase.named(name)
    let spans = try example.compose(nil, .agl)
    #expect(spans.map(\.name) == ["openai.chat.completion", "raw_gen_ai_request"])
    let prompt: [Int64] = [151644, 872, 198, 45764, 23811, 304, 825, 2805, 11652, 13, 151645, 198, 151644, 77091, 198]
    #expect(spans[0].attributes["prompt_token_ids"] == .array(prompt.map { .integer($0) }))
    #expect(spans[0].attributes["response_token_ids"] == .array([9707, 0, 151645].map { .integer($0) }))
    let logprobs = try spans[0].json("logprobs.content").elements
    #expect(logprobs.map { $0["logprob"] } == [.double(-0.2231), .double(-0.5108), .double(-0.0101)])
    #expect(
      spans[1].attributes == [
        "llm.hosted_vllm.id": .text(try #require(example.read().answer.id)),
        "llm.hosted_vllm.prompt_token_ids":
          .text("[151644, 872, 198, 45764, 23811, 304, 825, 2805, 11652, 13, 151645, 198, 151644, 77091, 198]"),
        "llm.hosted_vllm.choices": .text("[{'index': 0, 'token_ids': [9707, 0, 151645]}]"),
      ])
    expectTree(spans)
  }

  @Test("each call of a tool is a span")
  func toolCalls() throws {
    let spans = try LLMCase.named("chat_tool_calls").compose(nil, .agl)
    let calls = LLMCase.named("chat_tool_calls").read().answer.choices[0].toolCalls
    #expect(calls.count == 2)
    #expect(spans.dropFirst().map(\.name) == calls.map { "tool_call.\($0.name)" })
    for (span, call) in zip(spans.dropFirst(), calls) {
      #expect(
        span.attributes == [
          "tool.name": .text(call.name), "tool.parameters": .text(call.arguments),
          "tool.call.id": .text(call.id ?? ""), "tool.call.type": .text("function"),
        ])
    }
    expectTree(spans)
  }

  @Test("the conversation has one key for each piece")
  func conversation() throws {
    let span = try LLMCase.named("chat_tool_result_turn").compose(nil, .agl)[0]
    let expected = [
      "gen_ai.system": "openai", "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Weather in Paris?",
      "gen_ai.prompt.1.role": "assistant", "gen_ai.prompt.1.tool_calls.0.id": "call_aaa111",
      "gen_ai.prompt.1.tool_calls.0.name": "get_weather",
      "gen_ai.prompt.1.tool_calls.0.arguments": #"{"city":"Paris"}"#, "gen_ai.prompt.2.role": "tool",
      "gen_ai.prompt.2.tool_call_id": "call_aaa111", "gen_ai.prompt.2.content": #"{"temp_c":18,"sky":"rain"}"#,
      "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.finish_reason": "stop",
      "gen_ai.completion.0.content": "It is 18 °C and raining in Paris.",
      "gen_ai.request.functions.0.name": "get_weather",
      "gen_ai.request.functions.0.description": "Current weather for a city",
      "gen_ai.request.functions.0.parameters":
        #"{"type":"object","properties":{"city":{"type":"string"},"unit":{"type":"string","enum":["c","f"]}},"required":["city"]}"#,
      "gen_ai.response.id": "chatcmpl-ToolR3", "gen_ai.request.model": "gpt-4o-mini",
    ]
    for (key, value) in expected { #expect(span.text(key) == value, "\(key)") }
    #expect(span.attributes["gen_ai.usage.prompt_tokens"] == .integer(120))
    #expect(span.attributes["gen_ai.usage.completion_tokens"] == .integer(12))
    #expect(span.attributes["gen_ai.prompt.3.role"] == nil)
    #expect(span.attributes["gen_ai.prompt.1.content"] == nil)
  }

  @Test("results of tools in one Anthropic message are messages of their own")
  func anthropic() throws {
    let span = try LLMCase.named("messages_tool_use").compose(nil, .agl)[0]
    #expect(span.text("gen_ai.prompt.1.content") == "First Oslo.")
    #expect(span.text("gen_ai.prompt.1.tool_calls.0.arguments") == #"{"city":"Oslo"}"#)
    #expect(span.text("gen_ai.prompt.2.role") == "tool")
    #expect(span.text("gen_ai.prompt.2.tool_call_id") == "toolu_00")
    #expect(span.text("gen_ai.prompt.2.content") == "3C snow")
  }

  /// An adapter would take it for a conversation without messages.
  @Test("embeddings are no conversation", arguments: ["embeddings_float", "embeddings_base64"])
  func embeddings(name: String) throws {
    let spans = try LLMCase.named(name).compose(nil, .agl)
    #expect(spans.map(\.name) == ["openai.embeddings"])
    let prefixes = ["gen_ai.request", "gen_ai.response", "gen_ai.prompt", "gen_ai.completion"]
    for key in spans[0].attributes.keys { #expect(!prefixes.contains { key.hasPrefix($0) }, "\(key)") }
    #expect(spans[0].attributes["gen_ai.embeddings.dimension.count"] == .integer(8))
  }

  @Test("at the level of metadata there is one span and nothing that was said")
  func metadata() throws {
    for name in ["chat_vllm_token_ids", "chat_tool_calls", "messages_tool_use"] {
      let spans = try LLMCase.named(name).compose(nil, .agl, .metadata)
      #expect(spans.count == 1)
      let forbidden = [
        "gen_ai.prompt", "gen_ai.completion", "gen_ai.request.functions", "logprobs", "prompt_token_ids",
      ]
      for key in spans[0].attributes.keys { #expect(!forbidden.contains { key.hasPrefix($0) }, "\(key)") }
    }
  }

  /// One trace, distinct ids, children inside their parent.
  private func expectTree(_ spans: [DecodedSpan]) {
    #expect(Set(spans.map(\.spanID)).count == spans.count)
    for span in spans {
      #expect(span.traceID == spans[0].traceID)
      #expect(span.start <= span.end && span.start >= spans[0].start && span.end <= spans[0].end)
    }
    for span in spans.dropFirst() { #expect(span.parentID == spans[0].spanID) }
  }
}
