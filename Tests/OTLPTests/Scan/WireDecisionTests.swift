import OTLP
import Protobuf
import Telemetry
import Testing

/// Every row of the table of decisions on odd protobuf input (OTLP contract, section 5).
@Suite struct `Odd protobuf` {
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

  private static func outcome(_ span: [UInt8]) -> ScanOutcome { scan(request([span])) }

  private static func isClean(_ span: [UInt8]) -> Bool { if case .clean = outcome(span) { true } else { false } }

  /// Whether the rewriting takes the same request for well-formed.
  private static func isRewritten(_ request: [UInt8]) -> Bool {
    (try? OTLPRepair.rewrite(request: request.span)) != nil
  }

  @Test func `unknown fields of every wire type are stepped over`() {
    let unknown = message {
      $0.varintField(200, 7)
      $0.fixed64Field(201, 7)
      $0.stringField(202, "\u{0}")
      $0.fixed32Field(203, 7)
    }
    #expect(Self.isClean(Self.span { $0.append(unknown.span) }))
    #expect(scan(request([Self.span()]) + unknown) != .malformed)
  }

  private static let balanced: [[UInt8]] = [
    [0xE3, 0x01, 0xE4, 0x01], [0xE3, 0x01, 0x08, 0x07, 0xE4, 0x01], [0xE3, 0x01, 0xEB, 0x01, 0xEC, 0x01, 0xE4, 0x01],
  ]

  @Test(arguments: balanced)
  func `balanced groups are stepped over`(group: [UInt8]) {
    #expect(Self.isClean(Self.span { $0.append(group.span) }))
  }

  @Test(
    arguments: [
      [0xE3, 0x01], [0xE4, 0x01], [0xE3, 0x01, 0xEC, 0x01], [0xE3, 0x01, 0xEB, 0x01, 0xE4, 0x01, 0xEC, 0x01],
    ]
      as [[UInt8]])
  func `unbalanced groups are malformed`(group: [UInt8]) {
    let bad = request([Self.span { $0.append(group.span) }])
    #expect(scan(bad) == .malformed)
    #expect(!Self.isRewritten(bad))
  }

  /// A field of each message with a wire type that it does not have.
  private static let wrongTypes: [[UInt8]] = {
    var cases: [[UInt8]] = []
    func add(_ field: UInt32, in wrap: ([UInt8]) -> [UInt8]) {
      cases.append(wrap(message { $0.varintField(field, 1) }))
      cases.append(wrap(message { $0.fixed32Field(field, 1) }))
      cases.append(wrap(message { $0.fixed64Field(field, 1) }))
      cases.append(wrap(message { $0.bytesField(field, []) }))
    }
    let right: [UInt32: ProtobufTag.WireType] = [
      1: .lengthDelimited, 2: .lengthDelimited, 3: .lengthDelimited, 4: .lengthDelimited, 5: .lengthDelimited,
      6: .varint,
      7: .fixed64, 8: .fixed64, 9: .lengthDelimited, 10: .varint, 11: .lengthDelimited, 12: .varint,
      13: .lengthDelimited, 14: .varint, 15: .lengthDelimited, 16: .fixed32,
    ]
    for field in UInt32(1)...16 {
      add(field) { wrong in request([span { $0.append(wrong.span) }]) }
      // The order of `add`: varint, fixed32, fixed64, length-delimited.
      let order: [ProtobufTag.WireType] = [.varint, .fixed32, .fixed64, .lengthDelimited]
      cases.remove(at: cases.count - 4 + order.firstIndex(of: right[field]!)!)
    }
    for field in UInt32(1)...7 where ![2, 3].contains(field) {
      let value = message { $0.varintField(field, 1) }
      cases.append(request([span { $0.bytesField(9, attribute("k", value)) }]))
    }
    cases.append(request([span { $0.bytesField(9, attribute("k", message { $0.bytesField(3, []) })) }]))
    cases.append(message { $0.varintField(1, 1) })
    for field in UInt32(1)...3 { cases.append(message { $0.bytesField(1, message { $0.varintField(field, 1) }) }) }
    return cases
  }()

  @Test(arguments: wrongTypes)
  func `a known field with another wire type is malformed`(request: [UInt8]) {
    #expect(scan(request) == .malformed)
    #expect(!Self.isRewritten(request))
  }

  @Test func `the last scalar counts, and messages are merged`() throws {
    let span = Self.span {
      $0.stringField(5, "first")
      $0.fixed64Field(7, 1)
      $0.bytesField(15, message { $0.varintField(3, 2) })
      $0.bytesField(15, message { $0.stringField(2, "text") })
      $0.stringField(5, "last")
      $0.fixed64Field(7, 2)
    }
    let bytes = request([span])
    let batch = try #require(try scannedBatch(bytes))
    #expect(batch.spans[0].startTime == 2)
    #expect(batch.spans[0].statusCode == 2)
    #expect(batch.facts(in: bytes)[0].contains("|last|"))
  }

  @Test func `the last member of a oneof counts, also when the value comes in parts`() throws {
    let key = "agentlightning.rollout_id"
    let two = message {
      $0.stringField(1, "first")
      $0.stringField(1, "last")
    }
    #expect(
      try #require(try scannedBatch(request([Self.span { $0.bytesField(9, attribute(key, two)) }]))).tags.last?
        .rolloutID == "last")
    // An empty second part changes nothing; only the rewriting can tell.
    let parts = attribute(key, message { $0.stringField(1, "first") }) + message { $0.bytesField(2, []) }
    let bytes = request([Self.span { $0.bytesField(9, parts) }])
    #expect(scan(bytes) == .unclean)
    let rewritten = try OTLPRepair.rewrite(request: bytes.span).bytes
    #expect(try #require(try scannedBatch(rewritten)).tags.last?.rolloutID == "first")
  }

  @Test(arguments: [UInt32(5), 6])
  func `an array or list that another member replaces has to be well-formed too`(field: UInt32) {
    let damaged = message {
      $0.bytesField(field, [0x0A, 0x05, 0x01])
      $0.stringField(1, "last")
    }
    // Also where the rewriting has to decide, because something else is to be repaired.
    for name in [[0x41], [0xFF]] as [[UInt8]] {
      let bytes = request([
        Self.span {
          $0.bytesField(5, name)
          $0.bytesField(9, attribute("key", damaged))
        }
      ])
      #expect(scan(bytes) == .malformed)
      #expect(throws: ProtobufError.self) { try OTLPRepair.rewrite(request: bytes.span) }
    }
  }

  @Test(arguments: [1, 2, 5, 9])
  func `varints may be longer than they need be, up to ten bytes`(padding: Int) {
    let padded: [UInt8] = [0x30, 0x81] + Array(repeating: 0x80, count: padding - 1) + [0x00]
    #expect(Self.isClean(Self.span { $0.append(padded.span) }))
  }

  @Test(
    arguments: [
      Array(repeating: 0x80, count: 10) + [0x00], Array(repeating: 0xFF, count: 9) + [0x02],
      Array(repeating: 0xFF, count: 11), [0x80],
    ] as [[UInt8]])
  func `a varint of more than 64 bits or without an end is malformed`(varint: [UInt8]) {
    #expect(Self.outcome(Self.span { $0.append(([0x30] + varint).span) }) == .malformed)
  }

  @Test(
    arguments: [[0x00, 0x01], [0x02, 0x00], [0x0E], [0x0F], [0x36], [0x37], [0xF8, 0xFF, 0xFF, 0xFF, 0x1F, 0x01]]
      as [[UInt8]])
  func `field number 0 and wire types that do not exist are malformed`(field: [UInt8]) {
    #expect(Self.outcome(Self.span { $0.append(field.span) }) == .malformed)
  }

  @Test(arguments: [1, 1 << 31, 1 << 32, 1 << 63, .max] as [UInt64])
  func `a length past the end is malformed`(length: UInt64) {
    let field = message {
      $0.tag(.lengthDelimited(5))
      $0.varint(length)
    }
    #expect(Self.outcome(Self.span { $0.append(field.span) }) == .malformed)
    #expect(scan([0x0A] + field.dropFirst()) == .malformed)
  }

  private static let illFormed: [[UInt8]] = [
    [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80],
  ]

  @Test(arguments: illFormed, [0, 7, 40])
  func `text that is not UTF-8 is repaired, wherever it stands`(text: [UInt8], position: Int) {
    let text =
      Array(repeating: UInt8(ascii: "a"), count: position) + text + Array(repeating: UInt8(ascii: "b"), count: 9)
    let link = Self.span { $0.bytesField(3, text) }
    let places: [[UInt8]] = [
      Self.span { $0.bytesField(5, text) }, Self.span { $0.bytesField(3, text) },
      Self.span { $0.bytesField(9, message { $0.bytesField(1, text) }) },
      Self.span { $0.bytesField(9, attribute("k", message { $0.bytesField(1, text) })) },
      Self.span { $0.bytesField(11, message { $0.bytesField(2, text) }) }, Self.span { $0.bytesField(13, link) },
      Self.span { $0.bytesField(15, message { $0.bytesField(2, text) }) },
    ]
    for place in places { #expect(Self.outcome(place) == .unclean) }
    #expect(Self.isClean(Self.span { $0.bytesField(9, attribute("k", message { $0.bytesField(7, text) })) }))
  }

  @Test(
    arguments: [
      span(traceID: []), span(traceID: Array(1...15)), span(traceID: Array(1...17)),
      span(traceID: Array(repeating: 0, count: 16)), span(spanID: []), span(spanID: Array(1...9)),
      span(spanID: Array(repeating: 0, count: 8)), span { $0.bytesField(4, Array(1...7)) },
      span { $0.bytesField(4, Array(repeating: 0, count: 8)) }, span { $0.bytesField(13, span(traceID: [1])) },
      span { $0.bytesField(13, span(spanID: Array(repeating: 0, count: 8))) }, [],
    ] as [[UInt8]])
  func `ids that are none are left to the rewriting`(span: [UInt8]) throws {
    #expect(Self.outcome(span) == .unclean)
    let rewritten = try OTLPRepair.rewrite(request: request([span, Self.span()]).span)
    #expect(scan(rewritten.bytes) != .unclean && scan(rewritten.bytes) != .malformed)
  }

  @Test func `a span may be its own parent, and come twice`() {
    let own = Self.span { $0.bytesField(4, Self.spanID) }
    #expect(scan(request([own, own])) != .unclean)
  }

  @Test(arguments: [(100, true), (101, false), (5_000, false)])
  func `values are followed 100 levels deep`(depth: Int, isAccepted: Bool) {
    let bytes = request([Self.span { $0.bytesField(9, attribute("k", nested(depth))) }])
    #expect((scan(bytes) != .malformed) == isAccepted)
    #expect(Self.isRewritten(bytes) == isAccepted)
  }

  @Test(arguments: [99, 100, 101], [5, 6] as [UInt32])
  func `an empty list at the limit counts the same for scanning and rewriting`(depth: Int, field: UInt32) {
    var value = message { $0.bytesField(field, []) }
    for _ in 1..<depth {
      let inner = value
      value = message { $0.bytesField(5, message { $0.bytesField(1, inner) }) }
    }
    let bytes = request([Self.span { $0.bytesField(9, attribute("k", value)) }])
    #expect((scan(bytes) != .malformed) == (depth <= 100))
    #expect(Self.isRewritten(bytes) == (depth <= 100))
  }

  @Test(arguments: [6, 99, UInt64.max, UInt64(bitPattern: -1)])
  func `numbers outside of the enumerations are kept`(number: UInt64) throws {
    let span = Self.span {
      $0.varintField(6, number)
      $0.bytesField(15, message { $0.varintField(3, number) })
    }
    let facts = try #require(try scannedBatch(request([span]))?.spans.first)
    #expect(facts.kind == Int32(truncatingIfNeeded: number))
    #expect(facts.statusCode == Int32(truncatingIfNeeded: number))
  }

  @Test func `the old field 1000 and indices of profiles are stepped over`() {
    let old = message { $0.bytesField(1, message { $0.bytesField(1000, [1, 2, 3]) }) }
    #expect(scan(old + request([Self.span()])) != .malformed)
    let indices = message {
      $0.stringField(1, "k")
      $0.bytesField(2, message { $0.varintField(8, 3) })
      $0.varintField(3, 9)
    }
    #expect(Self.isClean(Self.span { $0.bytesField(9, indices) }))
  }

  @Test(
    arguments: [
      message { $0.stringField(3, "x") }, message { $0.bytesField(2, message { $0.fixed32Field(8, 1) }) },
    ])
  func `indices of profiles have a wire type too`(attribute: [UInt8]) {
    let bytes = request([Self.span { $0.bytesField(9, attribute) }])
    #expect(scan(bytes) == .malformed)
    #expect(!Self.isRewritten(bytes))
  }
}
