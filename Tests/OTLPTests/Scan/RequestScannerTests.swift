import Protobuf
import ProtobufOracle
import SeededRandom
import Telemetry
import Testing

@testable import OTLP

@Suite struct `Scanning a request` {
  private static func protobuf(_ payload: Fixtures.Payload) throws -> [UInt8] {
    payload.isJSON ? try OTLPJSONDecoder.transcode(payload.body.span) : payload.body
  }

  @Test(arguments: Fixtures.payloads)
  func `the facts of a recorded request are those that it was recorded with`(payload: Fixtures.Payload) throws {
    #expect(scan(try Self.protobuf(payload)) == .clean(ExpectedFacts.lines(payload.decoded)))
  }

  @Test(arguments: Fixtures.payloads.filter { $0.body.count < 100_000 }, [1, 100])
  func `small steps come to the same result`(payload: Fixtures.Payload, budget: Int) throws {
    let request = try Self.protobuf(payload)
    #expect(scan(request, budget: budget) == scan(request))
  }

  @Test(arguments: UInt64(0)..<100)
  func `a random request is scanned alike in one step and in many`(seed: UInt64) throws {
    var random = RandomRequest(seed: seed)
    let request = random.request()
    let once = scan(request)
    #expect(once != .malformed)
    #expect(scan(request, budget: 1) == once)
  }

  @Test(arguments: Fixtures.protobuf.filter { $0.body.count < 30_000 })
  func `a request that is cut off anywhere but between its parts is malformed`(payload: Fixtures.Payload) throws {
    let ends = Set(try topLevelEnds(payload.body))
    for end in stride(from: 1, to: payload.body.count, by: max(1, payload.body.count / 200)) where !ends.contains(end) {
      #expect(scan(Array(payload.body[..<end])) == .malformed, "cut at \(end)")
    }
  }

  private func topLevelEnds(_ request: [UInt8]) throws(ProtobufError) -> [Int] {
    var ends = [0]
    var reader = ProtobufReader(request.span)
    while let tag = try reader.nextTag() {
      try reader.skip(tag)
      ends.append(reader.position)
    }
    return ends
  }

  @Test func `an empty request has no spans`() { #expect(scan([]) == .clean([])) }

  // protobuf-c has no limit of depth; the fixtures and what becomes of them are flat.
  @Test(arguments: Fixtures.protobuf.filter { 1..<7_500 ~= $0.body.count })
  func `what is accepted, protobuf-c and the rewriting accept as well`(payload: Fixtures.Payload) {
    #expect(isAcceptedByOracle(payload.body))
    var random = SplitMix64(seed: UInt64(payload.body.count))
    for _ in 0..<1_000 {
      let mutant = mutated(payload.body, &random)
      let outcome = scan(mutant)
      let isRewritten = (try? OTLPRepair.rewrite(request: mutant.span)) != nil
      #expect(isRewritten == (outcome != .malformed), "\(mutant)")
      guard outcome != .malformed, !ForeignEncoding.isIn(mutant) else { continue }
      #expect(isAcceptedByOracle(mutant), "\(mutant)")
    }
  }

  private func isAcceptedByOracle(_ request: [UInt8]) -> Bool {
    ProtobufOracle.accepts(exportTraceServiceRequest: request.span)
  }

  private func mutated(_ bytes: [UInt8], _ random: inout SplitMix64) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<Int.random(in: 1...3, using: &random) {
      let index = Int.random(in: 0..<bytes.count, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: bytes[index] = UInt8.random(in: .min ... .max, using: &random)
      case 1: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &random)
      case 2: bytes[index] = bytes[index] &+ 1
      default: bytes.swapAt(index, Int.random(in: 0..<bytes.count, using: &random))
      }
    }
    return bytes
  }
}

/// What protobuf-c refuses although it is well-formed: groups, and varints that are longer than they need be.
private enum ForeignEncoding {
  static func isIn(_ bytes: [UInt8]) -> Bool {
    var reader = ProtobufReader(bytes.span)
    return isIn(.request, &reader, bytes)
  }

  private static func isIn(_ message: OTLPMessage, _ reader: inout ProtobufReader, _ bytes: [UInt8]) -> Bool {
    do throws(ProtobufError) {
      while true {
        let start = reader.position
        guard let tag = try reader.nextTag() else { return false }
        if isPadded(bytes[start..<reader.position]) { return true }
        switch tag.wireType {
        case .startGroup, .endGroup: return true
        case .varint:
          let value = reader.position
          try reader.skip(tag)
          if isPadded(bytes[value..<reader.position]) { return true }
        case .lengthDelimited:
          let length = reader.position
          let range = try reader.lengthDelimited()
          if isPadded(bytes[length..<range.lowerBound]) { return true }
          guard case .message(let inner)? = message.field(tag.field)?.kind else { continue }
          var nested = ProtobufReader(bytes.span, at: range)
          if isIn(inner, &nested, bytes) { return true }
        default: try reader.skip(tag)
        }
      }
    } catch {
      return false
    }
  }

  private static func isPadded(_ varint: ArraySlice<UInt8>) -> Bool { varint.count > 1 && varint.last == 0 }
}
