import JSON
import LightningAPI
import OTLP
import Protobuf
import Testing

@Suite struct `Spans as Agent Lightning reads them` {
  @Test(arguments: [
    ("otel", "otlp-otel-step-", 13), ("agentops", "otlp-agentops-step", 16), ("llmproxy", "otlp-llmproxy-call-", 14),
  ])
  func `recorded spans have the members that the original server gave them`(
    set: String, requests: String, count: Int
  ) throws {
    let samples = try RecordedSpans.samples(set, requests: requests)
    #expect(samples.count == count)
    for sample in samples {
      let written = try write(sample)
      guard case .object(let expected) = sample.expected, case .object(let members) = written else {
        Issue.record("not an object")
        continue
      }
      #expect(members.prefix(expected.count).map(\.key) == expected.map(\.key), "the known keys come first, in order")
      for member in expected {
        #expect(written[member.key]?.restricted(to: member.value) == member.value.sorted, "\(member.key)")
      }
    }
  }

  private func write(_ sample: RecordedSpans.Sample) throws -> JSONValue {
    guard case .string(let rollout)? = sample.expected["rollout_id"],
      case .string(let attempt)? = sample.expected["attempt_id"],
      case .integer(let sequence)? = sample.expected["sequence_id"]
    else { return .null }
    let tags = AGLSpanTags(rolloutID: rollout, attemptID: attempt, sequenceID: sequence)
    let envelope = try AGLSpanEnvelope(resourceSpans: sample.resourceSpans.span, scopeSpans: sample.scopeSpans.span)
    var json = JSONWriter()
    var writer = AGLSpanWriter()
    try writer.append(sample.span.span, at: 0..<sample.span.count, tags: tags, envelope: envelope, to: &json)
    return try JSONValue(parsing: json.bytes.span)
  }
}

extension JSONValue {
  /// The same document with the members of every object in the order of their keys.
  var sorted: JSONValue { restricted(to: self) }

  /// The same document, sorted, without the members that the other one does not have.
  func restricted(to other: JSONValue) -> JSONValue {
    switch (self, other) {
    case (.array(let elements), .array(let others)) where elements.count == others.count:
      .array(zip(elements, others).map { $0.restricted(to: $1) })
    case (.object(let members), .object):
      .object(
        members.compactMap { member in
          other[member.key].map { JSONMember(member.key, member.value.restricted(to: $0)) }
        }.sorted { $0.key < $1.key })
    default: self
    }
  }
}
