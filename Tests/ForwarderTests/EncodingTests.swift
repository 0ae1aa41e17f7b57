import OTLP
import Protobuf
import Telemetry
import Testing
import TraceStore

@testable import Forwarder

@Suite struct `Encoding` {
  /// A segment with two resources, the first with two scopes, and its spans as a page.
  private static func page(_ spans: [[[[UInt8]]]], attempt: SpanAttempt = SpanAttempt(rolloutID: "ro", attemptID: "at"))
    throws -> ForwardPage
  {
    var writer = ProtobufWriter()
    for (number, scopes) in spans.enumerated() {
      let resourceSpans = writer.beginMessage(1)
      let resource = writer.beginMessage(1)
      let attribute = writer.beginMessage(1)
      writer.stringField(1, "resource \(number)")
      writer.endMessage(attribute)
      writer.endMessage(resource)
      for spans in scopes {
        let scopeSpans = writer.beginMessage(2)
        for span in spans { writer.bytesField(2, span.span) }
        writer.stringField(3, "schema")
        writer.endMessage(scopeSpans)
      }
      writer.stringField(3, "url \(number)")
      writer.endMessage(resourceSpans)
    }
    var page = ForwardPage(end: 0)
    for (index, listed) in try SegmentSpans.list(writer.bytes.span).enumerated() {
      page.spans.append(
        ForwardSpan(
          arrival: Int64(index + 1), variant: 0, attempt: attempt, sequence: 7, statusCode: 0, service: nil, source: 0,
          location: SpanLocation(
            resourceSpans: listed.resourceSpans, scopeSpans: listed.scopeSpans, span: listed.span, segment: 1),
          progress: Int64(index + 1)))
    }
    page.segments = [writer.bytes]
    page.end = Int64(page.spans.count)
    return page
  }

  private static func span(_ id: UInt8, attributes: [(String, String)] = [], answer: String? = nil) -> [UInt8] {
    var writer = ProtobufWriter()
    writer.bytesField(1, [UInt8](repeating: id, count: 16).span)
    writer.bytesField(2, [UInt8](repeating: id, count: 8).span)
    if let answer { writer.stringField(AnswerField.number, answer) }
    for (key, value) in attributes {
      let attribute = writer.beginMessage(9)
      writer.stringField(1, key)
      let any = writer.beginMessage(2)
      writer.stringField(1, value)
      writer.endMessage(any)
      writer.endMessage(attribute)
    }
    return writer.bytes
  }

  /// The attributes of the spans of a request, as far as they are texts or numbers.
  private static func attributes(_ message: [UInt8]) throws -> [[String: String]] {
    try SegmentSpans.list(message.span).map { listed in
      var found: [String: String] = [:]
      var reader = ProtobufReader(message.span, at: listed.span)
      while let attribute = try reader.nextOccurrence(of: 9) {
        let fields = try KeyValueFields(message.span, at: attribute)
        let value = try AnyValueFields(message.span, at: try #require(fields.value))
        let key = String(decoding: message[fields.key], as: UTF8.self)
        switch value {
        case .string(let range): found[key] = String(decoding: message[range], as: UTF8.self)
        case .int(let number): found[key] = String(number)
        default: break
        }
      }
      return found
    }
  }

  @Test func `all spans of a segment are the segment`() throws {
    let page = try Self.page([[[Self.span(1), Self.span(2)], [Self.span(3)]], [[Self.span(4)]]])
    let message = BatchEncoder(page, addsRollout: false).message(0..<4)
    #expect(try Self.canonical(message) == Self.canonical(page.segments[0]))
    #expect(try SegmentSpans.list(message.span).count == 4)
  }

  @Test func `a part has the resources and scopes of its spans, once each`() throws {
    let page = try Self.page([[[Self.span(1), Self.span(2)], [Self.span(3)]], [[Self.span(4)]]])
    let encoder = BatchEncoder(page, addsRollout: false)
    let parts = [encoder.message(0..<1), encoder.message(1..<3), encoder.message(3..<4)]
    #expect(try parts.flatMap(Self.canonical) == Self.canonical(page.segments[0]))
    #expect(parts[1].count < encoder.message(1..<2).count + encoder.message(2..<3).count)
  }

  @Test func `what a request costs is not less than what it has`() throws {
    let page = try Self.page([[[Self.span(1), Self.span(2)], [Self.span(3)]], [[Self.span(4)]]])
    for adds in [false, true] {
      let encoder = BatchEncoder(page, addsRollout: adds)
      let costs = encoder.costs()
      for (first, end) in [(0, 4), (1, 3), (3, 4)] {
        let cost = (first..<end).reduce(0) {
          $0 + costs.spans[$1] + ($1 == first || costs.begins[$1] ? costs.envelopes[$1] : 0)
        }
        #expect(encoder.message(first..<end).count <= cost)
      }
    }
  }

  @Test func `tags are added where the span has none of its own`() throws {
    let page = try Self.page([
      [[Self.span(1), Self.span(2, attributes: [("agentlightning.rollout_id", "mine"), ("a", "b")])]]
    ])
    #expect(
      try Self.attributes(BatchEncoder(page, addsRollout: true).message(0..<2)) == [
        [
          "agentlightning.rollout_id": "ro", "agentlightning.attempt_id": "at", "agentlightning.span_sequence_id": "7",
        ],
        [
          "agentlightning.rollout_id": "mine", "a": "b", "agentlightning.attempt_id": "at",
          "agentlightning.span_sequence_id": "7",
        ],
      ])
    #expect(
      try Self.attributes(BatchEncoder(page, addsRollout: false).message(0..<2)) == [
        [:], ["agentlightning.rollout_id": "mine", "a": "b"],
      ])
  }

  @Test func `a span without a rollout gets nothing`() throws {
    let page = try Self.page([[[Self.span(1)]]], attempt: SpanAttempt(rolloutID: nil, attemptID: nil))
    #expect(try Self.attributes(BatchEncoder(page, addsRollout: true).message(0..<1)) == [[:]])
  }

  @Test func `what is not OTLP stays here, and ids that OTLP cannot carry become attributes`() throws {
    let answer = #""trace_id":"my \",\"name\": trace","span_id":"0202020202020202","parent_id":null,"name":"x""#
    let page = try Self.page([[[Self.span(2, attributes: [("k", "v")], answer: answer)]]])
    let message = BatchEncoder(page, addsRollout: false).message(0..<1)
    #expect(try Self.attributes(message) == [["k": "v", "agentlightning.trace_id": #"my ","name": trace"#]])
    let listed = try SegmentSpans.list(message.span)
    #expect(try SpanFields(message.span, at: listed[0].span).answer.isEmpty)
  }

  @Test func `frames of gRPC have a flag and a length`() {
    var target = ForwardTarget(name: "t", url: "http://localhost", carrier: .grpc)
    target.compresses = false
    let body = RequestBody.make([1, 2, 3], target)
    #expect(body == [0, 0, 0, 0, 3, 1, 2, 3] && RequestBody.grpcMessage(body) == [1, 2, 3])
    #expect(RequestBody.grpcMessage([0, 0, 0, 0, 3, 1]) == nil)
    target.compresses = true
    #expect(RequestBody.make([1, 2, 3], target)[0] == 1)
  }

  private static func canonical(_ message: [UInt8]) throws -> [[UInt8]] {
    try SegmentSpans.list(message.span).map { listed in
      try CanonicalSpan.bytes(
        resourceSpans: message.span.extracting(listed.resourceSpans),
        scopeSpans: message.span.extracting(listed.scopeSpans), span: message.span.extracting(listed.span))
    }
  }
}

@Suite struct `Span filter` {
  private static func span(_ service: String?, _ rollout: String?, status: Int32 = 0) -> ForwardSpan {
    ForwardSpan(
      arrival: 1, variant: 0, attempt: SpanAttempt(rolloutID: rollout, attemptID: nil), sequence: nil,
      statusCode: status,
      service: service, source: 0,
      location: SpanLocation(resourceSpans: 0..<0, scopeSpans: 0..<0, span: 0..<0, segment: 1),
      progress: 1)
  }

  @Test func `an empty filter wants all`() { #expect(SpanFilter().wants(Self.span(nil, nil))) }

  @Test func `names are compared byte for byte, an asterisk stands for any end`() {
    var filter = SpanFilter()
    filter.services = [.init("checkout"), .init("train-*")]
    #expect(filter.wants(Self.span("checkout", nil)) && filter.wants(Self.span("train-7", nil)))
    #expect(!filter.wants(Self.span("checkout2", nil)) && !filter.wants(Self.span(nil, nil)))
    filter.rollouts = [.init("\u{E9}")]
    #expect(!filter.wants(Self.span("checkout", nil)) && !filter.wants(Self.span("checkout", "e\u{301}")))
    #expect(filter.wants(Self.span("checkout", "\u{E9}")))
  }

  @Test func `errors are spans with status 2`() {
    var filter = SpanFilter()
    filter.errorsOnly = true
    #expect([0, 1, 2].map { filter.wants(Self.span("s", "r", status: $0)) } == [false, false, true])
  }
}
