import JSON
import OTLP
import Protobuf
import SeededRandom
import Testing

@Suite struct `Codecs on random input` {
  @Test(arguments: UInt64(0)..<200)
  func `a random request survives the way through JSON`(seed: UInt64) throws {
    var random = RandomRequest(seed: seed)
    let request = random.request()
    let json = try json(request)
    let transcoded = try OTLPJSONDecoder.transcode(json.span)
    let jsonAgain = try self.json(transcoded)
    #expect(jsonAgain == json)
    #expect(try OTLPJSONDecoder.transcode(jsonAgain.span) == transcoded)
    let repaired = try OTLPRepair.rewrite(request: transcoded.span)
    #expect(repaired.rejected.isEmpty)
    #expect(try self.json(repaired.bytes) == json)
  }

  @Test(arguments: Fixtures.payloads.filter { $0.body.count < 10_000 })
  func `a mutated payload is read or refused`(payload: Fixtures.Payload) {
    var random = SplitMix64(seed: UInt64(payload.body.count))
    var refusedCount = 0
    for _ in 0..<40 {
      var body = payload.body
      for _ in 0..<Int.random(in: 1...4, using: &random) where !body.isEmpty {
        let index = Int.random(in: 0..<body.count, using: &random)
        switch Int.random(in: 0..<4, using: &random) {
        case 0: body[index] = UInt8.random(in: .min ... .max, using: &random)
        case 1: body[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
        case 2: body.remove(at: index)
        default: body.removeSubrange(index..<min(index + 40, body.count))
        }
      }
      if !isStable(body, isJSON: payload.isJSON) { refusedCount += 1 }
    }
    #expect(refusedCount < 40 || payload.body.count < 40)
  }

  /// Takes a body through all codecs; `false` when it is refused.
  private func isStable(_ body: [UInt8], isJSON: Bool) -> Bool {
    guard let request = isJSON ? try? OTLPJSONDecoder.transcode(body.span) : body else { return false }
    guard let repaired = try? OTLPRepair.rewrite(request: request.span) else { return false }
    // What repair has accepted, every other codec accepts, and a second repair finds nothing.
    #expect(throws: Never.self) {
      let again = try OTLPRepair.rewrite(request: repaired.bytes.span)
      #expect(again.rejected.isEmpty)
      #expect(again.bytes == repaired.bytes)
      let json = try json(repaired.bytes)
      let transcoded = try OTLPJSONDecoder.transcode(json.span)
      #expect(try self.json(transcoded) == json)
      let nothing: [UInt8] = []
      for span in try spans(repaired.bytes) {
        _ = try CanonicalSpan.bytes(resourceSpans: nothing.span, scopeSpans: nothing.span, span: span.span)
      }
    }
    return true
  }

  private func spans(_ request: [UInt8]) throws -> [[UInt8]] {
    try occurrences(of: 1, in: request).flatMap { resourceSpans in
      try occurrences(of: 2, in: resourceSpans).flatMap { scopeSpans in
        try occurrences(of: 2, in: scopeSpans)
      }
    }
  }

  private func occurrences(of field: UInt32, in message: [UInt8]) throws(ProtobufError) -> [[UInt8]] {
    var result: [[UInt8]] = []
    var reader = ProtobufReader(message.span)
    while let range = try reader.nextOccurrence(of: field) { result.append(Array(message[range])) }
    return result
  }

  private func json(_ request: [UInt8]) throws -> [UInt8] {
    var writer = JSONWriter()
    try OTLPJSONWriter.appendRequest(request.span, to: &writer)
    return writer.bytes
  }
}
