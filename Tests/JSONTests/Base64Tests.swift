import Foundation
import JSON
import Testing

@Suite struct `Decoding base64` {
  @Test(arguments: 0..<20)
  func `both alphabets are read, with and without padding`(count: Int) {
    let data = Data((0..<count).map { UInt8(truncatingIfNeeded: $0 &* 83 &+ 250) })
    let standard = data.base64EncodedString()
    let urlSafe = standard.replacing("+", with: "-").replacing("/", with: "_")
    for text in [standard, urlSafe] {
      #expect(decode(text) == [UInt8](data))
      #expect(decode(text.replacing("=", with: "")) == [UInt8](data))
    }
  }

  @Test(arguments: ["A", "AAAAA", "AA=", "AAA==", "A===", "=", "AA==AA==", "AA A", "AA\nA", "AAÄ="])
  func `other text is refused`(text: String) {
    #expect(decode(text) == nil)
  }

  private func decode(_ text: String) -> [UInt8]? {
    var result: [UInt8] = []
    return Base64.appendDecoded(text.utf8Span.span, to: &result) ? result : nil
  }
}
