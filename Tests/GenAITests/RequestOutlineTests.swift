import GenAI
import JSON
import SeededRandom
import Testing

@Suite struct RequestOutlineTests {
  @Test("the outline says what the document says", arguments: LLMCase.all)
  func outline(of example: LLMCase) {
    expectAgreement(example.requestBody)
  }

  @Test("mutations of requests agree as well", arguments: LLMCase.all)
  func mutations(of example: LLMCase) {
    var random = SplitMix64(seed: 3)
    for _ in 0..<100 { expectAgreement(example.requestBody.mutated(&random)) }
  }

  @Test("what is no object has no outline", arguments: ["", "[]", "1", "{", "{\"a\":1}x", "null", "\u{0}"])
  func noObject(text: String) {
    #expect(outline(Array(text.utf8)) == nil)
  }

  @Test("the model is replaced and nothing else")
  func model() throws {
    let body = Array(#" {"messages":[{"model":"no"}], "model" : "a\u0062\"c", "x":1}"#.utf8)
    let outline = try #require(self.outline(body))
    #expect(outline.model == "ab\"c")
    let changed = outline.replacingModel(with: "ü\"", in: body)
    #expect(String(decoding: changed, as: UTF8.self) == #" {"messages":[{"model":"no"}], "model" : "ü\"", "x":1}"#)
  }

  @Test(
    "members are added in front",
    arguments: [
      ("{}", #"{"return_token_ids":true}"#), (" { } ", #" {"return_token_ids":true } "#),
      (#"{"a":1}"#, #"{"return_token_ids":true,"a":1}"#),
    ])
  func members(before: String, after: String) throws {
    let body = Array(before.utf8)
    let outline = try #require(self.outline(body))
    let changed = outline.adding(members: [("return_token_ids", "true")], to: body)
    #expect(String(decoding: changed, as: UTF8.self) == after)
    #expect(self.outline(changed)?.hasReturnTokenIDs == true)
  }

  @Test(
    "usage can be asked for",
    arguments: [
      #"{}"#, #"{"stream_options":null}"#, #"{"stream_options":{}}"#, #"{"stream_options":{ "a":1}}"#,
      #"{"stream_options":{"include_usage":false,"a":1}}"#, #"{"stream_options":{"include_usage":true}}"#,
    ])
  func usage(before: String) throws {
    let body = Array(before.utf8)
    let outline = try #require(self.outline(body))
    let changed = outline.requestingUsage(in: body)
    #expect(self.outline(changed)?.includesUsage == true)
    #expect((changed == body) == outline.includesUsage)
  }

  private func outline(_ body: [UInt8]) -> RequestOutline? { RequestOutline(body.span) }

  private func expectAgreement(_ body: [UInt8]) {
    let outline = RequestOutline(body.span)
    guard let document = try? JSONDocument(parsing: body), document.kind(JSONDocument.root) == .object else {
      #expect(outline == nil)
      return
    }
    func member(_ name: StaticString) -> Int? { document.member(JSONDocument.root, name) }
    let model = member("model").flatMap { document.isString($0) ? $0 : nil }
    #expect(outline?.model == model.map(document.string))
    #expect(outline?.modelRange == model.map(document.text))
    #expect(outline?.isStream == (member("stream").map(document.kind) == .true))
    #expect(outline?.hasReturnTokenIDs == (member("return_token_ids") != nil))
    #expect(outline?.hasLogprobs == (member("logprobs") != nil))
    let options = member("stream_options").flatMap { document.kind($0) == .object ? $0 : nil }
    let usage = options.flatMap { document.member($0, "include_usage") }
    #expect(outline?.includesUsage == (usage.map(document.kind) == .true))
  }
}

extension [UInt8] {
  /// With some bytes changed, taken out, repeated or swapped for tokens of JSON.
  func mutated(_ random: inout SplitMix64) -> [UInt8] {
    var result = self
    let tokens = [
      "null", "{}", "[]", "true", "-1e999", "\"\"", "99999999999999999999", "\"\\ud800\"", "{", "]", ",", "\"",
    ]
    for _ in 0..<Int.random(in: 1...4, using: &random) where !result.isEmpty {
      let index = Int.random(in: result.indices, using: &random)
      let end = Swift.min(result.count, index + Int.random(in: 1...20, using: &random))
      switch Int.random(in: 0..<5, using: &random) {
      case 0: result[index] = UInt8.random(in: .min ... .max, using: &random)
      case 1: result.removeSubrange(index..<end)
      case 2: result.insert(contentsOf: result[index..<end], at: index)
      case 3: result.insert(contentsOf: tokens.randomElement(using: &random)!.utf8, at: index)
      default: replaceValue(in: &result, at: index, by: tokens.randomElement(using: &random)!)
      }
    }
    return result
  }

  /// Puts a token in place of the value behind the next colon, so that the text often stays JSON.
  private func replaceValue(in bytes: inout [UInt8], at index: Int, by token: String) {
    guard let colon = bytes[index...].firstIndex(of: UInt8(ascii: ":")), colon + 1 < bytes.count else { return }
    var depth = 0
    var end = colon + 1
    var isInString = false
    while end < bytes.count {
      let byte = bytes[end]
      if byte == UInt8(ascii: "\""), bytes[end - 1] != UInt8(ascii: "\\") { isInString.toggle() }
      if !isInString {
        if byte == UInt8(ascii: "{") || byte == UInt8(ascii: "[") { depth += 1 }
        if byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") { depth -= 1 }
        if depth < 0 || depth == 0 && byte == UInt8(ascii: ",") { break }
      }
      end += 1
    }
    bytes.replaceSubrange(colon + 1..<end, with: token.utf8)
  }
}
