import GenAI
import JSON
import SeededRandom
import Telemetry
import Testing

/// Nothing that comes from the network ends the process.
@Suite struct RobustnessTests {
  @Test("random bytes", arguments: ProviderAPI.allCases)
  func randomBytes(api: ProviderAPI) throws {
    var random = SplitMix64(seed: 17)
    for _ in 0..<60 {
      let body = random.text(maximumCount: 400)
      let type = ["text/event-stream", "application/json", nil, "text/html"].randomElement(using: &random)!
      let coding = [nil, "gzip", "br", "zstd", "deflate", "x"].randomElement(using: &random)!
      let request = String(decoding: random.text(maximumCount: 100), as: UTF8.self)
      try compose(Sample.read(api, body, request: request, contentType: type, contentEncoding: coding))
    }
  }

  @Test("truncated answers and requests", arguments: LLMCase.all)
  func truncations(of example: LLMCase) throws {
    var random = SplitMix64(seed: 19)
    for _ in 0..<40 {
      let count = Int.random(in: 0...example.body.count, using: &random)
      try compose(example.read([example.body.prefix(count)], end: .truncated))
    }
  }

  @Test("mutated answers and requests", arguments: LLMCase.all)
  func mutations(of example: LLMCase) throws {
    var random = SplitMix64(seed: 23)
    for _ in 0..<60 {
      let reader = ExchangeReader(
        api: example.api, path: example.path, requestBody: example.requestBody.mutated(&random),
        options: RecordingOptions())
      let isPlain = example.contentEncoding == nil && Bool.random(using: &random)
      reader.begin(
        status: example.status, contentType: example.contentType,
        contentEncoding: isPlain ? nil : example.contentEncoding)
      reader.receive(example.body.mutated(&random).span)
      try compose(reader.finish(.complete))
    }
  }

  @Test("an answer of another API", arguments: ProviderAPI.allCases)
  func otherAPI(api: ProviderAPI) throws {
    for example in LLMCase.all {
      try compose(Sample.read(api, example.body, contentType: example.contentType))
    }
  }

  @Test("of a cut JSON body what came is known")
  func cutBody() {
    let body = #"{"id":"c1","model":"m","choices":[{"index":0,"message":{"content":"Hello wor"#
    let exchange = Sample.read(.chatCompletions, body, end: .truncated)
    #expect(exchange.answer.id == "c1")
    #expect(exchange.answer.choices.first?.text == "Hello wor")
    #expect(exchange.delivery.answerEnd == .truncated)
  }

  private func compose(_ exchange: Exchange) throws {
    let example = LLMCase.named("chat_basic")
    for profile in SpanProfile.allCases {
      for level in RecordingOptions.Level.allCases { _ = try example.compose(exchange, profile, level) }
    }
  }
}
