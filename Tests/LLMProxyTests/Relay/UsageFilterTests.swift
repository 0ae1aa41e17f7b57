import Testing

@testable import LLMProxy

@Suite struct UsageFilterTests {
  private static let text =
    "data: {\"choices\":[{\"index\":0}],\"usage\":null}\n\n"
    + "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\\n\\n\"}}],\"usage\":null}\n\n"
  private static let usage = "data: {\"choices\": [], \"usage\":{\"prompt_tokens\":1}}\n\n"
  private static let end = "data: [DONE]\n\n"

  /// What passes of a stream that comes in two pieces, for every place between them, and byte by byte.
  private func passed(_ stream: String) -> Set<String> {
    let bytes = Array(stream.utf8)
    var pieces = bytes.indices.map { [Array(bytes[..<$0]), Array(bytes[$0...])] }
    pieces.append(bytes.map { [$0] })
    return Set(pieces.map(pass))
  }

  private func pass(_ pieces: [[UInt8]]) -> String {
    var filter = UsageFilter()
    var passed: [UInt8] = []
    for piece in pieces { passed += filter.pass(piece) }
    return String(decoding: passed + filter.finish(), as: UTF8.self)
  }

  @Test("the usage alone is taken out, wherever the stream is cut", arguments: ["\n", "\r\n", "\r"])
  func cuts(lineEnd: String) {
    func lines(_ text: String) -> String { text.replacing("\n", with: lineEnd) }
    #expect(passed(lines(Self.text + Self.usage + Self.end)) == [lines(Self.text + Self.end)])
    #expect(passed(lines(Self.text + Self.end)) == [lines(Self.text + Self.end)])
    // A second one, and one behind the end marker.
    #expect(passed(lines(Self.usage + Self.text + Self.usage + Self.end + Self.usage)) == [lines(Self.text + Self.end)])
    // A cut stream stays cut at the same byte.
    #expect(passed(lines(Self.text + "data: {\"cho")) == [lines(Self.text + "data: {\"cho")])
  }

  @Test(
    "the usage is known by its data, whatever lines are around it",
    arguments: [
      ": c\ndata: USAGE\n\n", "event: chunk\ndata: USAGE\n\n", "id: 1\ndata:USAGE\n\n", "data: USAGE\nid: 1\n\n",
      "retry: 3\n: c\ndata: USAGE\n:\n\n", "data: {\"choices\":[],\ndata: \"usage\":{}}\n\n",
      // Without the blank line, and without a line end, behind which nothing comes.
      "data: USAGE\n", "data: USAGE", "event: chunk\ndata: USAGE",
    ])
  func lines(record: String) {
    let usage = record.replacing("USAGE", with: #"{"choices":[],"usage":{"prompt_tokens":1}}"#)
    for lineEnd in ["\n", "\r\n", "\r"] {
      let text = Self.text.replacing("\n", with: lineEnd)
      #expect(passed(text + usage.replacing("\n", with: lineEnd)) == [text])
    }
    #expect(
      passed("\u{FEFF}" + usage + Self.end) == [usage.hasSuffix("\n\n") ? Self.end : "\u{FEFF}" + usage + Self.end])
  }

  @Test(
    "what is no usage passes",
    arguments: [
      #"{"choices":[{"index":0}],"usage":{"prompt_tokens":1}}"#, #"{"choices":[],"usage":null}"#,
      #"{"choices":[],"prompt_filter_results":[]}"#, #"{"usage":{}}"#, #"{"choices":[],"usage":{},"error":{"code":1}}"#,
      "no JSON", "",
    ])
  func others(data: String) {
    let stream = ": hi\n\n\n\r\ndata: \(data)\r\rdata\n\n" + Self.end
    #expect(passed(stream) == [stream])
    #expect(passed(stream + "data: \(data)") == [stream + "data: \(data)"])
  }

  @Test("nothing is held back for longer than its record", arguments: ["\n", "\r\n", "\r"])
  func promptness(lineEnd: String) {
    var filter = UsageFilter()
    for text in [": c\n\n", "data: {\"choices\":[{}]}\n\n", "event: x\ndata: y\n\n"] {
      let bytes = Array(text.replacing("\n", with: lineEnd).utf8)
      // The LF of the blank line may come later.
      let isPair = lineEnd == "\r\n"
      #expect(filter.pass(Array(isPair ? bytes.dropLast() : bytes[...])) == (isPair ? bytes.dropLast() : bytes))
      if isPair { #expect(filter.pass([0x0A]) == [0x0A]) }
    }
  }

  @Test("what is too long to be the usage passes while it comes, and the usage behind it does not")
  func length() {
    let long = "data: " + String(repeating: "x", count: 100_000) + "\n\n"
    let bytes = Array((long + Self.usage + Self.end).utf8)
    for size in [1, 4096, 65_535, 65_536, 200_000] {
      let pieces = stride(from: 0, to: bytes.count, by: size).map { Array(bytes[$0..<min($0 + size, bytes.count)]) }
      #expect(pass(pieces) == long + Self.end)
    }
    var filter = UsageFilter()
    #expect(filter.pass(Array(bytes[..<70_000])).count == 70_000)
    // By its length alone.
    let padded = "data: {\"choices\":[],\"usage\":{}" + String(repeating: " ", count: 70_000) + "}\n\n"
    #expect(pass([Array(padded.utf8)]) == padded && pass(Array(padded.utf8).map { [$0] }) == padded)
  }
}
