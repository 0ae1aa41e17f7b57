import Telemetry
import Testing

@testable import QueryAPI

@Suite struct `Parts of Jaeger's interface` {
  @Test(
    arguments: [
      ("0", 0), ("1ns", 1), ("1.5ms", 1_500_000), ("1h2m3s", 3_723_000_000_000), ("2us", 2_000),
      ("2\u{B5}s", 2_000), ("2\u{3BC}s", 2_000), ("-1s", -1_000_000_000), (".5s", 500_000_000), ("+1s", 1_000_000_000),
      ("", nil), ("1", nil), ("s", nil), ("1x", nil), ("1 s", nil), ("1s ", nil), (".s", nil), ("--1s", nil),
      ("99999999999h", nil), ("99999999999999999999ns", nil),
    ] as [(String, Int64?)])
  func `durations are read as Go reads them`(text: String, expected: Int64?) {
    #expect(GoDuration.nanoseconds(text) == expected)
  }

  @Test(
    arguments: [
      ("1", "0000000000000001"), ("ABCDEF0123456789", "abcdef0123456789"),
      ("1abcdef0123456789", "0000000000000001abcdef0123456789"),
      ("0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef"), ("0", "0000000000000000"),
    ])
  func `short trace ids are padded, and ids of 64 bits are written short`(text: String, expected: String) throws {
    #expect(try TraceID(asked: text).jaegerText == expected)
  }

  @Test(arguments: ["", "x", "0123456789abcdef0123456789abcdef0", "+1", "é", " 1"])
  func `what is no trace id is refused`(text: String) {
    #expect(throws: JaegerFault.self) { try TraceID(asked: text) }
  }

  private func node(_ id: UInt64, _ parent: UInt64?, _ kind: Int32) -> SharedSpanIDs.Node {
    SharedSpanIDs.Node(id: SpanID(value: id), parent: parent.map { SpanID(value: $0) }, kind: kind)
  }

  private func change(_ id: UInt64, _ parent: UInt64) -> SpanAdjustment {
    SpanAdjustment(spanID: SpanID(value: id), parentID: SpanID(value: parent))
  }

  @Test func `a server span with the id of its client span gets one of its own, and takes the children`() {
    let spans = [node(5, nil, 3), node(5, nil, 2), node(1, 5, 1), node(6, 1, 3), node(9, 8, 2)]
    #expect(SharedSpanIDs.separate(spans) == [1: change(2, 5), 2: change(1, 2)])
  }

  @Test func `spans that share an id otherwise stay as they are`() {
    #expect(SharedSpanIDs.separate([node(5, nil, 2), node(5, nil, 2), node(5, nil, 1), node(4, 5, 3)]).isEmpty)
  }

  @Test(
    arguments: [
      ("/api/services", .services), ("/jaeger/api/services", .services), ("/api/operations", .operations),
      ("/api/services/a%2Fb/operations", .operationsOfService("a/b")), ("/api/traces", .search),
      ("/api/traces/1", .trace("1")), ("/api/archive/1", .archive("1")), ("/api/transform", .transform),
      ("/api/dependencies", .dependencies), ("/api/metrics/calls", .metrics), ("/api/quality-metrics", .metrics),
      ("/api/v3/services", .newServices), ("/api/v3/operations", .newOperations), ("/api/v3/traces", .newSearch),
      ("/api/v3/traces/1", .newTrace("1")), ("/api/v3/trace-summaries", .newSummaries),
      ("/api/v3/dependencies", .newDependencies), ("/api/v1/services", nil), ("/api", nil), ("/api/", nil),
      ("/api/v3", nil), ("/api/v3/", nil), ("/api/metrics/other", nil), ("/api/traces/1/2", nil),
      ("/services", nil), ("/jaegerapi/services", nil), ("/api/services/%zz/operations", nil),
    ] as [(String, JaegerRoute?)])
  func `paths are those of Jaeger`(path: String, expected: JaegerRoute?) {
    #expect(JaegerRoute(path) == expected)
  }
}

@Suite struct `A glance at bytes` {
  private func contains(_ bytes: [UInt8], _ text: [UInt8]) -> Bool { ByteSearch.contains(bytes.span, text.span) }

  @Test(arguments: [0, 1, 2, 31, 32, 33, 63, 64, 65, 200])
  func `finds a text wherever it stands, and no other`(size: Int) {
    for length in [1, 2, 3, 31, 32, 33, 40] where length <= size {
      let text = (0..<length).map { UInt8($0 % 7 + 1) }
      for start in 0...size - length {
        var bytes = [UInt8](repeating: 0, count: size)
        bytes.replaceSubrange(start..<start + length, with: text)
        #expect(contains(bytes, text))
        // Its first and last byte alone are not it.
        if length > 2 {
          bytes[start + 1] = 99
          #expect(!contains(bytes, text))
        }
      }
    }
    #expect(contains([UInt8](repeating: 0, count: size), []))
    #expect(!contains([UInt8](repeating: 0, count: size), [1]))
  }
}
