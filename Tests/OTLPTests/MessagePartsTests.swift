import Testing

@testable import OTLP

@Suite struct MessagePartsTests {
  @Test func `empty parts are not kept`() {
    var parts = MessageParts(4..<4)
    for offset in 0..<1_000 { parts.append(offset..<offset) }
    #expect(parts.count == 1)
    parts.append(8..<10)
    parts.append(12..<12)
    parts.append(14..<17)
    #expect((0..<parts.count).map { parts[$0] } == [4..<4, 8..<10, 14..<17])
    #expect(parts.byteCount == 5)
  }

  @Test func `a message whose only part is empty is there`() {
    var parts: MessageParts?
    parts.append(6..<6)
    #expect(parts?.count == 1)
  }
}
