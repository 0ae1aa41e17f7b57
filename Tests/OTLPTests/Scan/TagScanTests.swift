import OTLP
import Protobuf
import Telemetry
import Testing

/// Which rollout and attempt a span names: each key from the span, else from the resource, else from the request.
@Suite struct `Tags that spans name` {
  private static let keys = ["agentlightning.rollout_id", "agentlightning.attempt_id"]

  private static func request(resource: [String?], span: [String?]) -> [UInt8] {
    let resourceBytes = message { $0.append(attributes(1, resource).span) }
    let spanBytes = message {
      $0.bytesField(1, [UInt8](1...16))
      $0.bytesField(2, [UInt8](1...8))
      $0.append(attributes(9, span).span)
    }
    return message { writer in
      let resourceSpans = writer.beginMessage(1)
      writer.bytesField(1, resourceBytes)
      let scopeSpans = writer.beginMessage(2)
      writer.bytesField(2, spanBytes)
      writer.endMessage(scopeSpans)
      writer.endMessage(resourceSpans)
    }
  }

  private static func attributes(_ field: UInt32, _ values: [String?]) -> [UInt8] {
    message { writer in
      for (key, value) in zip(keys, values) {
        guard let value else { continue }
        writer.bytesField(field, attribute(key, message { $0.stringField(1, value) }))
      }
    }
  }

  private static let request = RolloutTag(rolloutID: "q", attemptID: "qa", rule: .request)

  @Test(
    arguments: [
      ([nil, nil], [nil, nil], .unassigned, .unassigned), ([nil, nil], [nil, nil], request, request),
      (["r", "ra"], [nil, nil], request, RolloutTag(rolloutID: "r", attemptID: "ra", rule: .explicit)),
      (["r", "ra"], ["s", nil], request, RolloutTag(rolloutID: "s", attemptID: "ra", rule: .explicit)),
      (["r", nil], ["s", "sa"], .unassigned, RolloutTag(rolloutID: "s", attemptID: "sa", rule: .explicit)),
      (
        ["r", nil], [nil, nil], request,
        RolloutTag(rolloutID: "r", attemptID: "qa", rule: .explicit, attemptRule: .request)
      ),
      (
        [nil, "ra"], [nil, nil], request,
        RolloutTag(rolloutID: "q", attemptID: "ra", rule: .request, attemptRule: .explicit)
      ),
      (["r", nil], [nil, nil], .unassigned, RolloutTag(rolloutID: "r", rule: .explicit)),
      ([nil, "ra"], [nil, nil], .unassigned, RolloutTag(attemptID: "ra", rule: .explicit)),
      (["", ""], ["", ""], request, request),
      (["r", "ra"], ["", ""], .unassigned, RolloutTag(rolloutID: "r", attemptID: "ra", rule: .explicit)),
    ] as [([String?], [String?], RolloutTag, RolloutTag)])
  func `each key is looked for on its own`(
    resource: [String?], span: [String?], tag: RolloutTag, expected: RolloutTag
  ) throws {
    let batch = try #require(try scannedBatch(Self.request(resource: resource, span: span), tag: tag))
    #expect(batch.tags[Int(batch.spans[0].tag)] == expected)
  }

  @Test(
    arguments: [
      (message { $0.varintField(3, 7) }, "7"), (message { $0.varintField(3, UInt64(bitPattern: -7)) }, "-7"),
      (message { $0.varintField(2, 1) }, "True"), (message { $0.varintField(2, 0) }, "False"),
      (message { $0.fixed64Field(4, 1.5.bitPattern) }, "1.5"), (message { $0.bytesField(7, [1]) }, nil), ([], nil),
      (message { $0.bytesField(5, []) }, nil),
    ] as [([UInt8], String?)])
  func `any scalar makes an id`(value: [UInt8], expected: String?) throws {
    #expect(try tag("agentlightning.rollout_id", value)?.rolloutID == expected)
  }

  @Test(
    arguments: [
      (message { $0.varintField(3, 7) }, 7), (message { $0.varintField(3, UInt64(bitPattern: -7)) }, -1),
      (message { $0.stringField(1, "12") }, 12), (message { $0.stringField(1, "-1") }, -1),
      (message { $0.stringField(1, "x") }, -1), (message { $0.stringField(1, "9223372036854775807") }, .max),
      (message { $0.stringField(1, "9223372036854775808") }, -1), (message { $0.fixed64Field(4, 3.0.bitPattern) }, -1),
    ] as [([UInt8], Int64)])
  func `a number in the rollout is an integer or its digits`(value: [UInt8], expected: Int64) throws {
    #expect(try batch("agentlightning.span_sequence_id", value).spans[0].sequence == expected)
  }

  private func batch(_ key: String, _ value: [UInt8]) throws -> SpanBatch {
    let span = message {
      $0.bytesField(1, [UInt8](1...16))
      $0.bytesField(2, [UInt8](1...8))
      $0.bytesField(9, attribute(key, value))
    }
    return try #require(try scannedBatch(OTLPTests.request([span])))
  }

  private func tag(_ key: String, _ value: [UInt8]) throws -> RolloutTag? {
    let batch = try batch(key, value)
    return batch.tags[Int(batch.spans[0].tag)]
  }
}
