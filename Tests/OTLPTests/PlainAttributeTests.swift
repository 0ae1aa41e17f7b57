import OTLP
import Protobuf
import SeededRandom
import Testing

@Suite struct `Attributes in the usual form` {
  @Test(arguments: [1, 2, 127, 128, 129, 5_000, 16_383], [1, 30, 127, 128, 9_000])
  func `the usual form is recognized`(textLength: Int, keyLength: Int) throws {
    let message = attribute(
      String(repeating: "k", count: keyLength),
      OTLPTests.message { $0.stringField(1, String(repeating: "t", count: textLength)) })
    let found = PlainAttribute(message.span, at: 0..<message.count)
    #expect((found != nil) == (textLength < 16_380))
    if let found { #expect(found.key.count == keyLength && found.text?.count == textLength) }
  }

  @Test func `what is recognized is what the general readers find`() throws {
    var random = SplitMix64(seed: 1)
    var recognizedCount = 0
    var textCount = 0
    for _ in 0..<200_000 {
      let text = String(repeating: "t", count: Int.random(in: 0...140, using: &random))
      var bytes = attribute("key", message { $0.stringField(1, text) })
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        bytes[Int.random(in: 0..<min(bytes.count, 12), using: &random)] = UInt8.random(in: 0...0x90, using: &random)
      }
      guard let found = PlainAttribute(bytes.span, at: 0..<bytes.count) else { continue }
      recognizedCount += 1
      let fields = try KeyValueFields(bytes.span, at: 0..<bytes.count)
      #expect(fields.key == found.key)
      let value = try #require(fields.value)
      #expect(value.count == 1 && value[0] == found.value)
      guard let text = found.text else { continue }
      textCount += 1
      guard case .string(let range) = try AnyValueFields(bytes.span, at: value) else {
        Issue.record("not a string: \(bytes)")
        continue
      }
      #expect(range == text)
    }
    #expect(textCount > 50_000)
    #expect(recognizedCount > 50_000)
  }

  @Test func `a value of another type is found`() {
    let bytes = attribute("key", message { $0.varintField(3, 300) })
    let found = PlainAttribute(bytes.span, at: 0..<bytes.count)
    #expect(found?.value == 7..<10 && found?.text == nil)
  }

  @Test func `a range that ends early is no attribute`() {
    let bytes = attribute("key", message { $0.stringField(1, "text") })
    for end in 0..<bytes.count { #expect(PlainAttribute(bytes.span, at: 0..<end) == nil) }
  }
}
