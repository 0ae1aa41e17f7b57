import JSON
import OTLP
import Protobuf
import SeededRandom
import Testing

@Suite struct `Repairing a request` {
  private static let traceID = [UInt8](1...16)
  private static let spanID = [UInt8](1...8)

  private static func span(
    traceID: [UInt8] = traceID, spanID: [UInt8] = spanID, _ more: (inout ProtobufWriter) -> Void = { _ in }
  ) -> [UInt8] {
    message {
      $0.bytesField(1, traceID)
      $0.bytesField(2, spanID)
      more(&$0)
    }
  }

  @Test(arguments: Fixtures.protobuf)
  func `a recorded request keeps its meaning`(payload: Fixtures.Payload) throws {
    let (bytes, rejected) = try OTLPRepair.rewrite(request: payload.body.span)
    #expect(rejected.isEmpty)
    #expect(try decoded(bytes) == payload.decoded.sorted)
  }

  @Test func `a clean request stays as it is`() throws {
    let clean = request([
      Self.span {
        $0.stringField(5, "拒绝")
        $0.bytesField(9, attribute("a", message { $0.stringField(1, String(repeating: "x", count: 300)) }))
        $0.varintField(99, 7)
        $0.bytesField(13, Self.span())
        $0.bytesField(15, message { $0.varintField(3, 2) })
      }
    ])
    #expect(try OTLPRepair.rewrite(request: clean.span).bytes == clean)
  }

  @Test(
    arguments: [
      (span(traceID: []), .invalidTraceID), (span(traceID: Array(1...15)), .invalidTraceID),
      (span(traceID: Array(repeating: 0, count: 16)), .invalidTraceID), (span(spanID: []), .invalidSpanID),
      (span(spanID: Array(1...9)), .invalidSpanID), (span(spanID: Array(repeating: 0, count: 8)), .invalidSpanID),
      (span { $0.bytesField(4, Array(1...16)) }, .invalidParentSpanID),
      (span { $0.bytesField(4, [0]) }, .invalidParentSpanID), ([], .invalidTraceID),
    ] as [([UInt8], RejectedSpan.Reason)])
  func `a span without valid ids is left out, its neighbours stay`(bad: [UInt8], reason: RejectedSpan.Reason) throws {
    let good = Self.span { $0.stringField(5, "good") }
    let first = request([good, bad])
    let second = request([bad, good])
    let (bytes, rejected) = try OTLPRepair.rewrite(request: (first + second).span)
    #expect(rejected.map(\.index) == [1, 2])
    #expect(rejected.map(\.reason) == [reason, reason])
    #expect(try decoded(bytes) == decoded(request([good]) + request([good])))
  }

  @Test func `a parent of zeros is no parent`() throws {
    let spans = [Self.span { $0.bytesField(4, Array(repeating: 0, count: 8)) }]
    let (bytes, rejected) = try OTLPRepair.rewrite(request: request(spans).span)
    #expect(rejected.isEmpty)
    #expect(bytes == request([Self.span()]))
  }

  @Test(arguments: [(0, 2), (5, 7), (UInt32.max - 1, UInt32.max), (.max, .max)] as [(UInt32, UInt32)])
  func `links without valid ids are dropped and counted`(before: UInt32, after: UInt32) throws {
    let dirty = Self.span {
      if before > 0 { $0.varintField(14, UInt64(before)) }
      $0.bytesField(13, Self.span(traceID: [1]))
      $0.bytesField(13, Self.span { $0.stringField(3, "kept") })
      $0.bytesField(13, Self.span(spanID: Array(repeating: 0, count: 8)))
    }
    let clean = Self.span {
      $0.bytesField(13, Self.span { $0.stringField(3, "kept") })
      $0.varintField(14, UInt64(after))
    }
    #expect(try OTLPRepair.rewrite(request: request([dirty]).span).bytes == request([clean]))
  }

  @Test func `ill-formed text becomes what Swift makes of it`() throws {
    var random = SplitMix64(seed: 6)
    for _ in 0..<300 {
      let text = random.text(maximumCount: 400)
      let repaired = Array(String(decoding: text, as: UTF8.self).utf8)
      let build = { (text: [UInt8]) in
        request([
          Self.span {
            $0.bytesField(3, text)
            $0.bytesField(
              9,
              message {
                $0.bytesField(1, text); $0.bytesField(2, message { $0.bytesField(1, text) })
              })
            // Not text: bytes, and fields that nobody knows.
            $0.bytesField(9, attribute("b", message { $0.bytesField(7, [0xFF]) }))
            $0.bytesField(77, [0xFF])
            $0.bytesField(11, message { $0.bytesField(2, text) })
            $0.bytesField(15, message { $0.bytesField(2, text) })
          }
        ])
      }
      #expect(try decoded(OTLPRepair.rewrite(request: build(text).span).bytes) == decoded(build(repaired)))
    }
  }

  @Test func `fields that repeat occur once afterwards`() throws {
    let dirty = Self.span {
      $0.stringField(5, "old")
      $0.bytesField(
        15,
        message {
          $0.varintField(3, 1); $0.stringField(2, "m")
        })
      $0.bytesField(
        9,
        message {
          $0.stringField(1, "k")
          $0.bytesField(
            2,
            message {
              $0.varintField(3, 9); $0.bytesField(5, element("a"))
            })
          $0.bytesField(
            2,
            message {
              $0.bytesField(5, element("b")); $0.bytesField(5, element("c"))
            })
          $0.stringField(1, "key")
        })
      $0.stringField(5, "new")
      $0.bytesField(15, message { $0.varintField(3, 2) })
    }
    let clean = Self.span {
      $0.bytesField(
        9,
        message {
          $0.bytesField(2, message { $0.bytesField(5, element("a") + element("b") + element("c")) })
          $0.stringField(1, "key")
        })
      $0.stringField(5, "new")
      $0.bytesField(
        15,
        message {
          $0.stringField(2, "m"); $0.varintField(3, 2)
        })
    }
    let (bytes, _) = try OTLPRepair.rewrite(request: request([dirty]).span)
    #expect(try decoded(bytes) == decoded(request([dirty])))
    #expect(bytes == request([clean]))
  }

  @Test func `known fields with another wire type are refused, also in spans that are left out`() {
    #expect(refusal(request([message { $0.varintField(1, 5) }])) == .wrongWireType(field: 1))
    #expect(
      refusal(request([message { $0.bytesField(9, message { $0.varintField(1, 1) }) }])) == .wrongWireType(field: 1))
    #expect(
      refusal(request([Self.span { $0.bytesField(13, message { $0.varintField(6, 1) }) }])) == .wrongWireType(field: 6))
    #expect(refusal([0x0A, 0x05, 0x00]) == .truncated)
  }

  @Test func `values may be nested a hundred levels deep`() throws {
    let deepest = request([Self.span { $0.bytesField(9, attribute("a", nested(100))) }])
    #expect(try OTLPRepair.rewrite(request: deepest.span).bytes == deepest)
    #expect(refusal(request([Self.span { $0.bytesField(9, attribute("a", nested(101))) }])) == .tooDeep)
  }

  private func element(_ text: String) -> [UInt8] {
    message { $0.bytesField(1, message { $0.stringField(1, text) }) }
  }

  private func refusal(_ request: [UInt8]) -> ProtobufError? {
    do throws(ProtobufError) {
      _ = try OTLPRepair.rewrite(request: request.span)
      return nil
    } catch {
      return error
    }
  }

  private func decoded(_ request: [UInt8]) throws -> JSONValue {
    var writer = JSONWriter()
    try OTLPJSONWriter.appendRequest(request.span, to: &writer)
    return try JSONValue(parsing: writer.bytes.span).sorted
  }
}
