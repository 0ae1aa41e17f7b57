import Testing

@testable import Transport

@Suite struct FieldCodingTests {
  private func bytes(of text: String) -> [UInt8] {
    var bytes: [UInt8] = []
    FieldCoding.append(text, to: &bytes)
    return bytes
  }

  @Test(arguments: ["", "gzip", "a\tb", "é", "日本", "\u{FFFD}", "\u{E000}", "\u{EF7F}", "\u{F000}", "🚀"])
  func `text in UTF-8 is itself`(text: String) {
    #expect(FieldCoding.text(Array(text.utf8)) == text)
    #expect(bytes(of: text) == Array(text.utf8))
  }

  @Test func `bytes that are not UTF-8 are kept, and ASCII around them can be read`() {
    let text = FieldCoding.text([0x61, 0xE9, 0x62])
    #expect(text.hasPrefix("a"))
    #expect(text.hasSuffix("b"))
    #expect(bytes(of: text) == [0x61, 0xE9, 0x62])
  }

  @Test func `every byte comes back, alone and beside each other`() {
    let all = (0...255).map { UInt8($0) }
    for byte in all { #expect(bytes(of: FieldCoding.text([byte])) == [byte]) }
    #expect(bytes(of: FieldCoding.text(all)) == all)
  }

  @Test(arguments: ["\u{EF80}", "\u{EFFF}", "a\u{EFC0}é"])
  func `text that has such characters itself comes back too`(text: String) {
    #expect(bytes(of: FieldCoding.text(Array(text.utf8))) == Array(text.utf8))
  }

  @Test func `any two different values are different texts`() {
    let values: [[UInt8]] = [[0x80], [0xEE, 0xBE, 0x80], [0xC2, 0x80], [0xEE, 0xBE], [0xBE, 0x80], [0xEE]]
    #expect(Set(values.map { FieldCoding.text($0) }).count == values.count)
  }
}
