import GenAI
import Testing
import Transport

@testable import LLMProxy

@Suite struct LLMRouteTests {
  @Test func knowsThePathsOfProviders() {
    #expect(LLMRoute(.post, "/chat/completions") == .call(.chatCompletions))
    #expect(LLMRoute(.post, "/completions") == .call(.completions))
    #expect(LLMRoute(.post, "/responses") == .call(.responses))
    #expect(LLMRoute(.post, "/embeddings") == .call(.embeddings))
    #expect(LLMRoute(.post, "/messages") == .call(.messages))
    #expect(LLMRoute(.post, "/messages/count_tokens") == .passThrough(.anthropic))
    #expect(LLMRoute(.post, "/models/a/b:generateContent") == .call(.generateContent))
    #expect(LLMRoute(.post, "/models/m:streamGenerateContent") == .call(.generateContent))
    #expect(LLMRoute(.post, "/models/m:countTokens") == .passThrough(.gemini))
    #expect(LLMRoute(.get, "/models") == .models)
    #expect(LLMRoute(.get, "/models/gpt") == .models)
    #expect(LLMRoute(.get, "/responses/r_1") == .passThrough(.openai))
    #expect(LLMRoute(.post, "/responses/r_1/cancel") == .passThrough(.openai))
  }

  @Test func knowsNoOthers() {
    for (method, path) in [
      (HTTPMethod.get, "/chat/completions"), (.post, "/models"), (.post, "/models/m:delete"), (.get, "/"),
      (.post, "/files"), (.delete, "/models/m"), (.get, "/messages"),
    ] { #expect(LLMRoute(method, path) == nil, "\(method) \(path)") }
  }
}
