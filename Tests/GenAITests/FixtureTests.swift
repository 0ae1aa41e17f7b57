import GenAI
import JSON
import SeededRandom
import Telemetry
import Testing

/// Recorded exchanges, read and turned into spans.
@Suite struct FixtureTests {
  @Test("all recorded cases are there")
  func cases() { #expect(LLMCase.all.count == 48) }

  @Test("the facts of an answer are those that were recorded", arguments: LLMCase.all)
  func facts(of example: LLMCase) {
    let expected = example.expected["response"]?.without("retry_after").emptyTextAsNull.sorted
    #expect(example.read().asExpected.sorted == expected)
  }

  @Test("the request is understood", arguments: LLMCase.all)
  func request(of example: LLMCase) {
    let request = example.read().request
    #expect(request.model == example.expected["request"]?["model"]?.text)
    #expect(request.isStream == example.expected["request"]?["stream"]?.isTrue)
  }

  @Test("the records of a stream are counted", arguments: LLMCase.all)
  func events(of example: LLMCase) {
    let events = example.read().delivery.events
    guard let expected = example.expected["sse"], expected != .null else {
      #expect(events == nil)
      return
    }
    #expect(events.map { Int64($0.records) } == expected["events"]?.number)
    #expect(events.map { Int64($0.answers) } == expected["json_events"]?.number)
    #expect(events.map { Int64($0.contentDeltas) } == expected["content_deltas"]?.number)
    #expect(events?.isDone == expected["done"]?.isTrue)
    #expect(events?.invalid == 0)
  }

  @Test("the span has the recorded attributes", arguments: LLMCase.all)
  func span(of example: LLMCase) throws {
    let spans = try example.compose()
    try #require(spans.count == 1)
    let span = spans[0]
    let expected = try #require(example.expected["otel"])
    #expect(span.name == expected["name"]?.text)
    #expect(span.kind == 3)
    #expect(span.statusCode == (expected["status"]?.text == "error" ? 2 : 0))
    for member in expected["attributes"]?.members ?? [] {
      let value = try #require(span.attributes[member.key], "\(member.key)")
      #expect(value == Self.value(member), "\(member.key)")
    }
    // What is not expected is not there, as far as the facts name it.
    for key in span.attributes.keys where Self.exactKeys.contains(key) {
      #expect(expected["attributes"]?[key] != nil, "\(key)")
    }
  }

  @Test("streams have a time to their first record", arguments: LLMCase.all)
  func timeToFirstChunk(of example: LLMCase) throws {
    let span = try example.compose()[0]
    let isStream = (example.read().delivery.events?.records ?? 0) > 0
    #expect(span.attributes["gen_ai.response.time_to_first_chunk"] == (isStream ? .double(0.5) : nil))
  }

  @Test("how the bytes are cut does not matter", arguments: LLMCase.all)
  func splits(of example: LLMCase) {
    let whole = example.read()
    #expect(example.read(example.body.indices.map { example.body[$0...$0] }) == whole)
    for seed in 0..<8 as Range<UInt64> {
      var random = SplitMix64(seed: seed)
      #expect(example.read(example.body.randomPieces(&random)) == whole)
    }
  }

  private static let doubleKeys = [
    "gen_ai.request.temperature", "gen_ai.request.top_p", "gen_ai.request.frequency_penalty",
    "gen_ai.request.presence_penalty",
  ]

  /// Attributes that the recorded facts list whenever they apply.
  private static let exactKeys: Set = [
    "error.type", "gen_ai.request.stream", "gen_ai.response.id", "gen_ai.response.model",
    "gen_ai.response.finish_reasons", "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens",
    "gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.cache_write.input_tokens",
    "gen_ai.usage.reasoning.output_tokens", "gen_ai.request.choice.count", "gen_ai.request.seed",
    "gen_ai.request.top_k", "gen_ai.request.max_tokens", "gen_ai.request.temperature", "gen_ai.output.type",
    "openai.request.service_tier", "openai.api.type",
  ]

  private static func value(_ member: JSONMember) -> DecodedSpan.Value {
    switch member.value {
    case .integer(let number) where doubleKeys.contains(member.key): .double(Double(number))
    case .integer(let number): .integer(number)
    case .double(let number): .double(number)
    case .bool(let flag): .bool(flag)
    case .string(let text): .text(text)
    default: .array(member.value.elements.map { .text($0.text ?? "") })
    }
  }
}

extension [UInt8] {
  /// Cuts into pieces of random sizes.
  func randomPieces(_ random: inout SplitMix64) -> [ArraySlice<UInt8>] {
    var pieces: [ArraySlice<UInt8>] = []
    var position = 0
    while position < count {
      let size = Int.random(in: 1...Swift.max(1, Swift.min(400, count - position)), using: &random)
      pieces.append(self[position..<Swift.min(position + size, count)])
      position += size
    }
    return pieces
  }
}
