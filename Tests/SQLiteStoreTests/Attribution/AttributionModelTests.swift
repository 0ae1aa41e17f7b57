import SeededRandom
import Telemetry
import Testing
import TraceStore

/// The model by examples that were worked out by hand, and whether the generator reaches all of it.
@Suite struct `The model of attribution` {
  private typealias Example = AttributionExample
  private typealias Model = AttributionModel
  private typealias Words = AttributionModel.Words

  /// The tags that facts give, as texts by the names of spans.
  private static func tags(_ actions: [AttributionAction], _ autoRollout: AutoRollout = .off) -> [String: String] {
    Model(actions, autoRollout: autoRollout).tags().mapValues(\.description)
  }

  @Test func `places agree on one rollout and at most one attempt`() {
    let (bare, first, second) = (
      RolloutPlace(rolloutID: "r"), RolloutPlace(rolloutID: "r", attemptID: "a"),
      RolloutPlace(rolloutID: "r", attemptID: "b")
    )
    #expect(Model.agreement([]) == nil)
    #expect(Model.agreement([bare, bare]) == bare)
    #expect(Model.agreement([bare, first, bare]) == first)
    #expect(Model.agreement([first, second, bare]) == nil)
    #expect(Model.agreement([first, RolloutPlace(rolloutID: "s")]) == nil)
  }

  @Test func `each key comes from the first that has it`() {
    let span = Example.span(1) {
      $0.attributes.attempt = "a1"
      $0.resource = Words(rollout: nil, attempt: "a2")
      $0.traceState.rollout = "r1"
      $0.baggage = Words(rollout: "r2", attempt: "a3")
    }
    #expect(Self.tags([.append([span], Words())]) == ["1/1": "(r1, a1) by context"])
    let request = Words(rollout: "r3", attempt: "a4")
    #expect(Self.tags([.append([span], Words()), .append([span], request)]) == ["1/1": "(r3, a1) by request"])
    let other = Words(rollout: "r10", attempt: nil)
    #expect(Self.tags([.append([span], request), .append([span], other)]) == ["1/1": "(r10, a1) by request"])
  }

  @Test func `the way up meets bindings at the span itself, and own tags above it`() {
    let spans = [
      Example.span(1) { $0.attributes = Words(rollout: "top", attempt: "a") }, Example.span(2, parent: 1),
      Example.span(3, parent: 2), Example.span(4, parent: 3),
    ]
    let facts: [AttributionAction] = [.append(spans, Words()), Example.bind(1, span: 3, "bound")]
    #expect(
      Self.tags(facts) == [
        "1/1": "(top, a) by explicit", "1/2": "(top, a) by ancestor", "1/3": "(bound, -) by subtree",
        "1/4": "(bound, -) by subtree",
      ])
  }

  @Test func `evidence that contradicts itself ends the way up`() {
    let spans = [
      Example.span(1) { $0.attributes.rollout = "top" },
      Example.span(2, "first", parent: 1) { $0.attributes = Words(rollout: "r", attempt: "a") },
      Example.span(2, "second", parent: 1) { $0.attributes = Words(rollout: "r", attempt: "b") },
      Example.span(2, "third", parent: 1), Example.span(3, parent: 2),
    ]
    let tags = Self.tags([.append(spans, Words())])
    #expect(tags["third"] == "(top, -) by ancestor")
    #expect(tags["1/3"] == "(-, -) by none")
  }

  @Test func `the parent of a node is the lowest that a variant names, that of a span its own`() {
    let high: UInt64 = 1 << 63 | 1
    let spans = [
      Example.span(high) { $0.attributes.rollout = "high" }, Example.span(5) { $0.attributes.rollout = "low" },
      Example.span(9, "first", parent: high), Example.span(9, "second", parent: 5), Example.span(9, "third"),
      Example.span(10, "below", parent: 9),
    ]
    let tags = Self.tags([.append(spans, Words())])
    #expect(tags["first"] == "(high, -) by ancestor")
    #expect(tags["second"] == "(low, -) by ancestor")
    #expect(tags["third"] == "(-, -) by none")
    #expect(tags["below"] == "(low, -) by ancestor")
  }

  @Test func `cycles, self parents and missing parents end the way up`() {
    let spans = [
      Example.span(1, parent: 2), Example.span(2, parent: 1), Example.span(3, parent: 3), Example.span(4, parent: 99),
      Example.span(5, in: 2, parent: 6), Example.span(6, in: 2, parent: 5) { $0.attributes.rollout = "r" },
    ]
    let facts: [AttributionAction] = [.append(spans, Words()), Example.bind(1, span: 98, "of others")]
    #expect(
      Self.tags(facts) == [
        "1/1": "(-, -) by none", "1/2": "(-, -) by none", "1/3": "(-, -) by none", "1/4": "(-, -) by none",
        "2/5": "(r, -) by ancestor", "2/6": "(r, -) by explicit",
      ])
    // What names a missing parent descends from it all the same.
    #expect(Self.tags(facts + [Example.bind(1, span: 99, "missing")])["1/4"] == "(missing, -) by subtree")
  }

  @Test func `a trace is bound by what all of it says`() {
    let spans = [Example.span(1) { $0.attributes.rollout = "r" }, Example.span(2)]
    var facts: [AttributionAction] = [.append(spans, Words())]
    #expect(Self.tags(facts)["1/2"] == "(r, -) by binding")
    facts.append(Example.bind(1, "r", "a"))
    #expect(Self.tags(facts)["1/2"] == "(r, a) by binding")
    // A binding of a span with a rollout of its own, and one of a missing span, say nothing of the trace.
    facts += [Example.bind(1, span: 1, "other"), Example.bind(1, span: 99, "other")]
    #expect(Self.tags(facts)["1/2"] == "(r, a) by binding")
    facts.append(.append([Example.span(99)], Words()))
    #expect(Self.tags(facts)["1/2"] == "(-, -) by none")
    #expect(Self.tags(facts)["1/99"] == "(other, -) by subtree")
  }

  @Test func `links follow tags up to binding, in their order`() {
    let spans = [
      Example.span(1, in: 2) { $0.attributes.attempt = "a" },
      Example.span(1, in: 3) { $0.links = [Example.node(1, in: 2)] },
      Example.span(1) { $0.links = [Example.node(1, in: 9), Example.node(1, in: 3), Example.node(1, in: 2)] },
    ]
    let tags = Self.tags([.append(spans, Words()), Example.bind(2, "r", "b")])
    #expect(tags["2/1"] == "(r, a) by binding")
    #expect(tags["3/1"] == "(r, a) by link")
    #expect(tags["1/1"] == "(r, a) by link")
  }

  @Test func `sessions hold from their start to before their end`() {
    let spans = ([4, 5, 9, 10, 20] as [UInt64]).map { start in
      Example.span(start) {
        $0.start = start
        $0.sessions = [.openClawSession: "s"]
      }
    }
    let facts: [AttributionAction] = [
      .append(spans, Words()), .register(NewSession(session: "s", rolloutID: "r1", from: 5)),
      .register(NewSession(session: "s", rolloutID: "r2", attemptID: "a", from: 9, to: 20)),
    ]
    #expect(
      Self.tags(facts) == [
        "1/4": "(-, -) by none", "1/5": "(r1, -) by session", "1/9": "(r2, a) by session",
        "1/10": "(r2, a) by session", "1/20": "(r1, -) by session",
      ])
  }

  @Test func `rollouts are made for what nothing else assigns`() {
    let span = Example.span(1) { $0.sessions = [.conversation: "c", .openClawSessionKey: "k"] }
    #expect(Self.tags([.append([span], Words())], .session)["1/1"] == "(session-c, -) by auto")
    #expect(Self.tags([.append([span], Words())], .trace)["1/1"] == "(trace-\(TestSpan.traceID(1)), -) by auto")
    let key = AttributionAction.register(NewSession(session: "k", rolloutID: "r", from: 0))
    #expect(Self.tags([.append([span], Words()), key], .session)["1/1"] == "(r, -) by session")
  }

  // MARK: The generator

  @Test func `the same seed makes the same world and the same order`() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let texts = (0..<2).map { _ in
        var random = SplitMix64(seed: seed)
        return AttributionSchedule(AttributionCase(seed: seed), &random, widest: 3).description
      }
      #expect(texts[0] == texts[1])
    }
  }

  @Test func `orders of a world have the same facts`() {
    for seed in 1...40 as ClosedRange<UInt64> {
      let world = AttributionCase(seed: seed)
      var random = SplitMix64(seed: seed)
      for _ in 0..<3 {
        let model = AttributionSchedule(world, &random, widest: 3).model
        #expect(model.spans == world.model.spans)
        #expect(model.bindings == world.model.bindings)
        #expect(Set(model.sessions) == Set(world.model.sessions))
      }
    }
  }

  @Test func `the generator reaches every rule and special case`() {
    var worlds: [String: Int] = [:]
    for seed in 1...150 as ClosedRange<UInt64> {
      for feature in AttributionCase(seed: seed).model.features { worlds[feature, default: 0] += 1 }
    }
    let rules = TagRule.allCases.map(\.name)
    let special = [
      "trace that contradicts itself", "node that contradicts itself", "bindings of a span that contradict",
      "cycle", "self parent", "missing parent", "variants", "several rollouts in a trace", "attempt alone",
      "own attempt in a rollout by a weaker rule", "several requests", "same span in two traces", "high parent",
      "contradiction below evidence", "links that differ", "link passed over", "session key passed over",
      "several registrations hold",
    ]
    for feature in rules + special { #expect(worlds[feature, default: 0] >= 2, "\(feature): \(worlds)") }
  }
}
