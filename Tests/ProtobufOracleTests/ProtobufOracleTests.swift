import ProtobufOracle
import Testing

@Suite struct ProtobufOracleTests {
  // `#expect` cannot take a call apart that has a span as its argument.
  private static func accepts(_ bytes: [UInt8]) -> Bool {
    ProtobufOracle.accepts(exportTraceServiceRequest: bytes.span)
  }

  private static func spanCount(_ bytes: [UInt8]) -> Int? {
    ProtobufOracle.spanCount(exportTraceServiceRequest: bytes.span)
  }

  /// Field `number` with wire type 2.
  private static func field(_ number: UInt8, _ payload: [UInt8]) -> [UInt8] {
    precondition(payload.count < 128 && number < 16)
    return [number << 3 | 2, UInt8(payload.count)] + payload
  }

  /// A span with ids and a name.
  private static let span = field(1, [UInt8](1...16)) + field(2, [UInt8](1...8)) + field(5, Array("chat".utf8))

  private static func request(spans: [[UInt8]]) -> [UInt8] {
    field(1, field(2, spans.flatMap { field(2, $0) }))
  }

  @Test("a request is accepted and its spans are counted", arguments: 0...3)
  func accepts(count: Int) {
    let bytes = Self.request(spans: Array(repeating: Self.span, count: count))
    #expect(Self.accepts(bytes))
    #expect(Self.spanCount(bytes) == count)
  }

  @Test("no bytes at all are a request without spans")
  func empty() {
    #expect(Self.spanCount([UInt8]()) == 0)
  }

  @Test("a field beyond 15 and unknown fields are read over, flags included")
  func manyFields() {
    // flags = 16: fixed32, so the tag is 16 << 3 | 5 = 133 in two bytes; field 99 is unknown.
    let span = Self.span + [0x85, 0x01, 1, 3, 0, 0] + [0x98, 0x06, 42]
    #expect(Self.spanCount(Self.request(spans: [span])) == 1)
  }

  @Test("a request that is cut inside is refused")
  func truncated() {
    let bytes = Self.request(spans: [Self.span])
    for count in 1..<bytes.count {
      #expect(!Self.accepts(Array(bytes[..<count])), "cut to \(count)")
    }
  }

  @Test(
    "bytes that are no protobuf are refused",
    arguments: [
      [0x00], [0x0F, 0x00], [0x0E, 0x00], [0x08, 0x01], [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
      [0x10] + [UInt8](repeating: 0xFF, count: 11),
    ] as [[UInt8]])
  func malformed(bytes: [UInt8]) {
    #expect(!Self.accepts(bytes))
  }
}
