import OTLP
import Protobuf
import Telemetry
import Testing

/// Rule 3: what the trace state and the baggage of a span name, below its attributes, its resource and the request.
@Suite struct `The context of a span` {
  /// Where a test puts ids; each pair is (rollout, attempt).
  struct Named: Sendable, CustomTestStringConvertible {
    var span: [String?] = [nil, nil]
    var resource: [String?] = [nil, nil]
    var request = RolloutTag.unassigned
    var traceState: String?
    var baggage: [String?] = [nil, nil]

    var testDescription: String {
      "span \(span), resource \(resource), request \(request.rule), \(traceState ?? "no trace state"), \(baggage)"
    }

    var bytes: [UInt8] {
      let resource = Self.attributes(1, "agentlightning.", resource)
      return message { writer in
        let resourceSpans = writer.beginMessage(1)
        writer.bytesField(1, resource)
        let scopeSpans = writer.beginMessage(2)
        writer.bytesField(2, spanBytes(number: 1))
        writer.endMessage(scopeSpans)
        writer.endMessage(resourceSpans)
      }
    }

    func spanBytes(number: UInt8) -> [UInt8] {
      message {
        $0.bytesField(1, [UInt8](1...16))
        $0.bytesField(2, [0, 0, 0, 0, 0, 0, 0, number])
        if let traceState { $0.stringField(3, traceState) }
        $0.append(Self.attributes(9, "agentlightning.", span).span)
        $0.append(Self.attributes(9, "baggage.agentlightning.", baggage).span)
      }
    }

    private static func attributes(_ field: UInt32, _ prefix: String, _ values: [String?]) -> [UInt8] {
      message { writer in
        for (key, value) in zip(["rollout_id", "attempt_id"], values) {
          guard let value else { continue }
          writer.bytesField(field, attribute(prefix + key, message { $0.stringField(1, value) }))
        }
      }
    }
  }

  private static let request = RolloutTag(rolloutID: "q", attemptID: "qa", rule: .request)
  private static let requestWithRollout = RolloutTag(rolloutID: "q", rule: .request)
  private static let requestWithAttempt = RolloutTag(attemptID: "qa", rule: .request)

  private static func tag(_ named: Named) throws -> RolloutTag {
    let batch = try #require(try scannedBatch(named.bytes, tag: named.request))
    return batch.tags[Int(batch.spans[0].tag)]
  }

  @Test(
    arguments: [
      (Named(traceState: "agl=r:c;a:ca"), RolloutTag(rolloutID: "c", attemptID: "ca", rule: .context)),
      (Named(baggage: ["b", "ba"]), RolloutTag(rolloutID: "b", attemptID: "ba", rule: .context)),
      (
        Named(traceState: "agl=r:c;a:ca", baggage: ["b", "ba"]),
        RolloutTag(rolloutID: "c", attemptID: "ca", rule: .context)
      ),
      (
        Named(traceState: "agl=r:c", baggage: ["b", "ba"]), RolloutTag(rolloutID: "c", attemptID: "ba", rule: .context)
      ),
      (
        Named(traceState: "agl=a:ca", baggage: ["b", nil]), RolloutTag(rolloutID: "b", attemptID: "ca", rule: .context)
      ),
      (Named(traceState: "agl=a:ca"), RolloutTag(attemptID: "ca", rule: .context)),
      (
        Named(request: request, traceState: "agl=r:c;a:ca", baggage: ["b", "ba"]),
        RolloutTag(rolloutID: "q", attemptID: "qa", rule: .request)
      ),
      (
        Named(request: requestWithRollout, traceState: "agl=r:c;a:ca"),
        RolloutTag(rolloutID: "q", attemptID: "ca", rule: .request, attemptRule: .context)
      ),
      (
        Named(request: requestWithAttempt, traceState: "agl=r:c;a:ca"),
        RolloutTag(rolloutID: "c", attemptID: "qa", rule: .context, attemptRule: .request)
      ),
      (
        Named(resource: ["r", "ra"], traceState: "agl=r:c;a:ca"),
        RolloutTag(rolloutID: "r", attemptID: "ra", rule: .explicit)
      ),
      (
        Named(resource: ["r", nil], traceState: "agl=r:c;a:ca"),
        RolloutTag(rolloutID: "r", attemptID: "ca", rule: .explicit, attemptRule: .context)
      ),
      (
        Named(span: [nil, "sa"], request: requestWithRollout, baggage: ["b", "ba"]),
        RolloutTag(rolloutID: "q", attemptID: "sa", rule: .request, attemptRule: .explicit)
      ),
      (
        Named(span: [nil, "sa"], traceState: "agl=r:c"),
        RolloutTag(rolloutID: "c", attemptID: "sa", rule: .context, attemptRule: .explicit)
      ),
      (Named(span: ["s", "sa"], baggage: ["b", "ba"]), RolloutTag(rolloutID: "s", attemptID: "sa", rule: .explicit)),
      (Named(span: ["", ""], traceState: "agl=r:c;a:ca"), RolloutTag(rolloutID: "c", attemptID: "ca", rule: .context)),
    ] as [(Named, RolloutTag)])
  func `is the weakest of the places, key by key`(named: Named, expected: RolloutTag) throws {
    #expect(try Self.tag(named) == expected)
  }

  @Test(
    arguments: [
      ("agl=r:ro-1;a:at-1", "ro-1", "at-1"), ("agl=a:at-1;r:ro-1", "ro-1", "at-1"), ("agl=r:ro-1", "ro-1", nil),
      ("vendor=abc,agl=r:ro-1", "ro-1", nil), ("agl=r:ro-1,vendor=abc", "ro-1", nil),
      (" vendor=abc , \tagl=r:ro-1;a:at-1\t , other=1", "ro-1", "at-1"), (",,agl=r:ro-1", "ro-1", nil),
      ("agl=r:first,agl=r:second", "first", nil), ("agl=r:a%20%C3%BC%2F%3B%2C%3D%25", "a ü/;,=%", nil),
      ("agl=r:a%c3%bc", "aü", nil), ("agl=r:agent:main:1;a:x y", "agent:main:1", "x y"),
      // The second is not looked at, also when the first is no good.
      ("agl=oops,agl=r:ro-1", nil, nil),
      // An empty id is none.
      ("agl=r:;a:at-1", nil, "at-1"), ("agl=r:ro-1;a:", "ro-1", nil), ("agl=r:;a:", nil, nil), ("agl=", nil, nil),
      // Malformed in one part is malformed.
      ("agl=r:ro-1;a:%", nil, nil), ("agl=r:ro-1;a:%2", nil, nil), ("agl=r:ro-1;a:%2;", nil, nil),
      ("agl=r:%zz;a:at-1", nil, nil), ("agl=r:%FF;a:at-1", nil, nil), ("agl=r:%C3;a:at-1", nil, nil),
      ("agl=r:ro-1;", nil, nil), ("agl=;r:ro-1", nil, nil), ("agl=r:one;r:two", nil, nil), ("agl=a:1;a:2", nil, nil),
      ("agl=r:ro-1;a:at-1;s:1", nil, nil), ("agl=R:ro-1", nil, nil), ("agl=ro-1", nil, nil), ("agl=r", nil, nil),
      ("agl=r:a=b", nil, nil), ("agl=r:ü", nil, nil), ("agl=r:a\u{7F}", nil, nil), ("agl=r:a\tb", nil, nil),
      // Other members.
      ("AGL=r:ro-1", nil, nil), ("agl =r:ro-1", nil, nil), ("agl@t=r:ro-1", nil, nil), ("xagl=r:ro-1", nil, nil),
      ("agl= r:ro-1", nil, nil), ("agl", nil, nil), ("ag", nil, nil), ("", nil, nil), (",", nil, nil), ("  ", nil, nil),
      ("vendor=agl=r:ro-1", nil, nil), ("congo=t61rcWkgMzE,rojo=00f067aa0ba902b7", nil, nil),
    ] as [(String, String?, String?)])
  func `names ids in a member of the trace state`(traceState: String, rollout: String?, attempt: String?) throws {
    let expected =
      rollout == nil && attempt == nil
      ? RolloutTag.unassigned : RolloutTag(rolloutID: rollout, attemptID: attempt, rule: .context)
    #expect(try Self.tag(Named(traceState: traceState)) == expected)
    // What is no good counts as absent: the baggage comes next.
    let withBaggage = try Self.tag(Named(traceState: traceState, baggage: ["b", "ba"]))
    #expect(withBaggage == RolloutTag(rolloutID: rollout ?? "b", attemptID: attempt ?? "ba", rule: .context))
  }

  @Test(
    arguments: [
      (message { $0.stringField(1, "b") }, "b"), (message { $0.varintField(3, 7) }, "7"),
      (message { $0.stringField(1, "") }, nil), ([], nil), (message { $0.bytesField(7, [1]) }, nil),
      // The value of an attribute is what it is: whoever copied the baggage has decoded it.
      (message { $0.stringField(1, "a%20b") }, "a%20b"),
    ] as [([UInt8], String?)])
  func `names ids in attributes that were copied from the baggage`(value: [UInt8], expected: String?) throws {
    let span = message {
      $0.bytesField(1, [UInt8](1...16))
      $0.bytesField(2, [UInt8](1...8))
      $0.bytesField(9, attribute("baggage.agentlightning.rollout_id", value))
    }
    let batch = try #require(try scannedBatch(OTLPTests.request([span])))
    #expect(batch.tags[Int(batch.spans[0].tag)].rolloutID == expected)
  }

  @Test func `does not count on a resource`() throws {
    let baggage = attribute("baggage.agentlightning.rollout_id", message { $0.stringField(1, "b") })
    let request = message { writer in
      let resourceSpans = writer.beginMessage(1)
      writer.bytesField(1, message { $0.bytesField(1, baggage) })
      let scopeSpans = writer.beginMessage(2)
      writer.bytesField(2, Named().spanBytes(number: 1))
      writer.endMessage(scopeSpans)
      writer.endMessage(resourceSpans)
    }
    let batch = try #require(try scannedBatch(request))
    #expect(batch.tags[Int(batch.spans[0].tag)] == .unassigned)
  }

  @Test func `counts for its own span alone`() throws {
    let evidence: [Named] = [
      Named(traceState: "agl=r:c;a:ca"), Named(traceState: "agl=r:c;a:ca"), Named(), Named(traceState: "agl=r:d;a:ca"),
      Named(traceState: "vendor=1"), Named(baggage: ["c", "ca"]), Named(traceState: "agl=r:c", baggage: [nil, "ca"]),
      Named(span: ["s", nil]), Named(span: ["s", nil], traceState: "agl=a:ca"), Named(span: ["s", nil]),
      Named(baggage: ["s", nil]), Named(baggage: [nil, "s"]), Named(traceState: "agl=r:c;a:ca"),
    ]
    let spans = evidence.enumerated().map { $0.element.spanBytes(number: UInt8($0.offset + 1)) }
    let batch = try #require(try scannedBatch(OTLPTests.request(spans)))
    #expect(try batch.spans.map { batch.tags[Int($0.tag)] } == evidence.map { try Self.tag($0) })
  }

  @Test func `is the last trace state when there are several`() throws {
    func batch(_ traceStates: [String]) throws -> SpanBatch? {
      let span = message { writer in
        writer.bytesField(1, [UInt8](1...16))
        writer.bytesField(2, [UInt8](1...8))
        for traceState in traceStates { writer.bytesField(3, [UInt8](traceState.utf8)) }
      }
      return try scannedBatch(OTLPTests.request([span]))
    }
    #expect(try batch(["agl=r:one", "agl=r:two"])?.tags.last?.rolloutID == "two")
    #expect(try batch(["agl=r:one", ""])?.tags == [.unassigned])
  }

  @Test func `leaves nothing to wait for when it names a rollout`() throws {
    let session = attribute("session.id", message { $0.stringField(1, "s") })
    func batch(_ traceState: String) throws -> SpanBatch? {
      try scannedBatch(
        OTLPTests.request([Named(traceState: traceState).spanBytes(number: 1) + message { $0.bytesField(9, session) }]))
    }
    #expect(try batch("agl=r:c")?.sessions.isEmpty == true)
    #expect(try batch("agl=a:ca")?.sessions.map(\.value) == ["s"])
  }
}
