import JSON
import OTLP
import Testing

@Suite struct `OTLP/JSON of recorded requests` {
  @Test func `every payload is found`() {
    #expect(Fixtures.json.count == 13)
    #expect(Fixtures.protobuf.count == 40)
  }

  @Test(arguments: Fixtures.protobuf)
  func `protobuf is written in the form of the ground truth`(payload: Fixtures.Payload) throws {
    #expect(try decoded(payload.body) == payload.decoded.sorted)
  }

  @Test(arguments: Fixtures.json)
  func `JSON becomes protobuf that means the same`(payload: Fixtures.Payload) throws {
    #expect(try decoded(OTLPJSONDecoder.transcode(payload.body.span)) == payload.decoded.sorted)
  }

  private func decoded(_ protobuf: [UInt8]) throws -> JSONValue {
    var writer = JSONWriter()
    try OTLPJSONWriter.appendRequest(protobuf.span, to: &writer)
    return try JSONValue(parsing: writer.bytes.span).sorted
  }
}
