import Testing

@testable import LLMProxy

@Suite struct UsageFilterTests {
  private static let text =
    "data: {\"choices\":[{\"index\":0}],\"usage\":null}\n\n"
    + "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\n\\n\"}}],\"usage\":null}\n\n"
  private static let usage = "data: {\"choices\": [], \"usage\":{\"prompt_tokens\":1}}\n\n"
  private static let end = "data: [DONE]\n\n"

  private func pass(_ stream: String, pieces: Int) -> String {
    var filter = UsageFilter()
    let bytes = Array(stream.utf8)
    var passed: [UInt8] = []
    var index = 0
    while index < bytes.count {
      passed += filter.pass(Array(bytes[index..<min(bytes.count, index + pieces)]))
      index += pieces
    }
    return String(decoding: passed + filter.finish(), as: UTF8.self)
  }

  @Test(arguments: [1, 2, 3, 7, 1000])
  func takesTheUsageOutAlone(pieces: Int) {
    #expect(pass(Self.text + Self.usage + Self.end, pieces: pieces) == Self.text + Self.end)
    #expect(pass(Self.text + Self.end, pieces: pieces) == Self.text + Self.end)
    // A cut stream stays cut at the same byte.
    #expect(pass(Self.text + "data: {\"cho", pieces: pieces) == Self.text + "data: {\"cho")
  }

  @Test func knowsCarriageReturns() {
    let stream = (Self.text + Self.usage + Self.end).replacing("\n", with: "\r\n")
    #expect(pass(stream, pieces: 5).contains("[DONE]"))
    #expect(!pass(stream, pieces: 5).contains("prompt_tokens"))
  }

  @Test func letsPassWhatIsTooLongToBeIt() {
    let long = "data: " + String(repeating: "x", count: 100_000) + "\n\n"
    #expect(pass(long + Self.usage, pieces: 4096) == long + Self.usage)
  }
}
