import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// Each rule, and each special case of decision 0011, by example; in every order where no other is named.
@Suite struct `Rules of attribution` {
  private typealias Example = AttributionExample
  private typealias Words = AttributionModel.Words

  private static func tagged(
    _ id: UInt64, in trace: UInt64 = 1, parent: UInt64? = nil, _ rollout: String, _ attempt: String? = nil
  )
    -> AttributionModel.Span
  {
    Example.span(id, in: trace, parent: parent) { $0.attributes = Words(rollout: rollout, attempt: attempt) }
  }

  private static func started(_ id: UInt64, at start: UInt64, _ sessions: [SpanSession.Key: String])
    -> AttributionModel.Span
  {
    Example.span(id) {
      $0.start = start
      $0.sessions = sessions
    }
  }

  // MARK: Rules 1 to 3

  @Test func `explicit: each key of the span goes before that of the resource`() async throws {
    let span = Example.span(1) {
      $0.attributes.attempt = "a1"
      $0.resource = Words(rollout: "r", attempt: "a2")
      $0.traceState = Words(rollout: "weaker", attempt: "weaker")
    }
    try await expectTags(
      Example.append(span, request: "weaker", "weaker"), are: ["1/1": "(r, a1) by explicit"])
  }

  @Test func `request: a span is where its request says`() async throws {
    try await expectTags(
      Example.append(Example.span(1), request: "r", "a"), Example.append(Example.span(2, in: 2), request: nil, "a"),
      are: ["1/1": "(r, a) by request", "2/2": "(-, a) by request"])
  }

  @Test func `request: of repeats the rollout that sorts first counts, with its attempt`() async throws {
    try await expectTags(
      Example.append(Example.span(1), request: "r2", "a1"), Example.append(Example.span(1), request: "r1", "a2"),
      Example.append(Example.span(1), request: "r10"), Example.append(Example.span(1)),
      are: ["1/1": "(r1, a2) by request"])
  }

  // Swift and SQL may sort otherwise: "é" in two code points comes after "f" in one of their orders.
  @Test func `request: texts are sorted by their bytes`() async throws {
    try await expectTags(
      Example.append(Example.span(1), request: "f", "\u{FF5E}"),
      Example.append(Example.span(1), request: "e\u{301}", "\u{1F600}"),
      are: ["1/1": "(e\u{301}, \u{1F600}) by request"])
  }

  @Test func `context: the tracestate goes before the baggage, the request before both`() async throws {
    let span = Example.span(1) {
      $0.traceState.rollout = "r"
      $0.baggage = Words(rollout: "weaker", attempt: "a")
    }
    try await expectTags(Example.append(span), are: ["1/1": "(r, a) by context"])
    try await expectTags(
      Example.append(span), Example.append(span, request: "asked"), are: ["1/1": "(asked, a) by request"])
  }

  @Test func `a rollout of its own is final, also without an attempt`() async throws {
    try await expectTags(
      Example.append(Self.tagged(1, "r"), Self.tagged(2, parent: 1, "r")), Example.bind(1, span: 2, "r", "a"),
      Example.bind(1, "r", "a"), Example.bind(1, span: 1, "other"),
      are: ["1/1": "(r, -) by explicit", "1/2": "(r, -) by explicit"])
  }

  @Test func `an attempt of its own is kept, and weaker rules add the rollout alone`() async throws {
    let span = Example.span(1) { $0.attributes.attempt = "own" }
    try await expectTags(Example.append(span), are: ["1/1": "(-, own) by explicit"])
    try await expectTags(Example.append(span), Example.bind(1, "r", "a"), are: ["1/1": "(r, own) by binding"])
    // A trace is bound by the binding, not by the attempt of a span without a rollout.
    try await expectTags(
      Example.append(span, Example.span(2)), Example.bind(1, "r", "a"), are: ["1/2": "(r, a) by binding"])
  }

  // MARK: Rules 4 and 5

  @Test func `subtree: a binding holds for a span and what descends from it`() async throws {
    try await expectTags(
      Example.append(
        Example.span(1), Example.span(2, parent: 1), Example.span(3, parent: 2), Example.span(4, parent: 1)),
      Example.bind(1, span: 2, "r", "a"), Example.bind(1, span: 1, "top"),
      are: [
        "1/1": "(top, -) by subtree", "1/2": "(r, a) by subtree", "1/3": "(r, a) by subtree",
        "1/4": "(top, -) by subtree",
      ])
  }

  @Test func `subtree: bindings of one span that contradict each other end the search`() async throws {
    try await expectTags(
      Example.append(Self.tagged(1, "r"), Example.span(2, parent: 1), Example.span(3, parent: 2)),
      Example.bind(1, span: 2, "r1"), Example.bind(1, span: 2, "r2"),
      are: ["1/2": "(-, -) by none", "1/3": "(-, -) by none"])
  }

  @Test func `subtree: bindings of one span that agree give the attempt that one names`() async throws {
    try await expectTags(
      Example.append(Example.span(1)), Example.bind(1, span: 1, "r"), Example.bind(1, span: 1, "r", "a"),
      are: ["1/1": "(r, a) by subtree"])
  }

  @Test func `ancestor: the nearest with a rollout of its own decides`() async throws {
    try await expectTags(
      Example.append(Self.tagged(1, "r1", "a"), Example.span(2, parent: 1), Example.span(3, parent: 2)),
      Example.append(Self.tagged(4, parent: 1, "r2"), Example.span(5, parent: 4)), Example.append(Example.span(6)),
      are: [
        "1/2": "(r1, a) by ancestor", "1/3": "(r1, a) by ancestor", "1/5": "(r2, -) by ancestor",
        "1/6": "(-, -) by none",
      ])
  }

  @Test func `ancestor: a binding that contradicts a tag of the span's own does not count`() async throws {
    try await expectTags(
      Example.append(Self.tagged(1, "own"), Example.span(2, parent: 1), Example.span(3)),
      Example.bind(1, span: 1, "bound"),
      are: ["1/1": "(own, -) by explicit", "1/2": "(own, -) by ancestor", "1/3": "(own, -) by binding"])
  }

  @Test func `ancestor: children before their parents, a request each`() async throws {
    let spans = (1...12 as ClosedRange<UInt64>).map { id in
      id == 1 ? Self.tagged(1, "r", "a") : Example.span(id, parent: id - 1)
    }
    // Nothing else connects the others with a rollout: the trace contradicts itself.
    let other = Self.tagged(99, "other")
    let expected = Dictionary(uniqueKeysWithValues: (2...12).map { ("1/\($0)", "(r, a) by ancestor") })
    for step in [1, 2_000] {
      try await expectTags(
        inOrder: (spans.reversed() + [other]).map { [Example.append($0)] }, retagStep: step, are: expected)
    }
  }

  @Test func `ancestor: a cycle, a self parent and a missing parent have none`() async throws {
    try await expectTags(
      Example.append(Example.span(1, parent: 2), Example.span(2, parent: 3), Example.span(3, parent: 1)),
      Example.append(Example.span(4, parent: 4), Example.span(5, parent: 99), Example.span(6, parent: 5)),
      Example.bind(1, span: 98, "r"),
      are: Dictionary(uniqueKeysWithValues: (1...6).map { ("1/\($0)", "(-, -) by none") }))
  }

  // A gateway continues the trace of a caller that stores its spans elsewhere, or nowhere.
  @Test func `subtree: a binding of a span that never comes holds for what names it as parent`() async throws {
    try await expectTags(
      Example.append(Example.span(5, parent: 99), Example.span(6, parent: 5), Example.span(7)),
      Example.bind(1, span: 99, "r", "a"),
      are: ["1/5": "(r, a) by subtree", "1/6": "(r, a) by subtree", "1/7": "(-, -) by none"])
  }

  @Test func `ancestor: a cycle with evidence in it is searched as far as that`() async throws {
    try await expectTags(
      Example.append(Example.span(1, parent: 2), Self.tagged(2, parent: 3, "r"), Example.span(3, parent: 1)),
      Example.append(Self.tagged(9, "other")),
      are: ["1/1": "(r, -) by ancestor", "1/3": "(r, -) by ancestor"])
  }

  @Test func `ancestor: variants are one node to their children, and none to each other`() async throws {
    let variants = ["first", "second"].map { name in
      Example.span(2, name, parent: 1) { $0.attributes = Words(rollout: name == "first" ? "r" : nil, attempt: nil) }
    }
    try await expectTags(
      Example.append(Self.tagged(1, "top"), variants[0], variants[1], Example.span(3, parent: 2)),
      are: ["second": "(top, -) by ancestor", "1/3": "(r, -) by ancestor"])
  }

  @Test func `ancestor: variants that contradict each other end the search`() async throws {
    let variants = ["a", "b"].map { name in
      Example.span(2, name, parent: 1) { $0.attributes = Words(rollout: "r", attempt: name) }
    }
    try await expectTags(
      Example.append(Self.tagged(1, "top"), variants[0], variants[1], Example.span(3, parent: 2)),
      are: ["1/3": "(-, -) by none"])
  }

  @Test func `ancestor: of several parents of a node the lowest counts, ids taken without a sign`() async throws {
    let high: UInt64 = 1 << 63 | 1
    try await expectTags(
      Example.append(Self.tagged(high, "high"), Self.tagged(5, "low")),
      Example.append(Example.span(9, "first", parent: high)), Example.append(Example.span(9, "second", parent: 5)),
      Example.append(Example.span(10, "below", parent: 9)),
      are: [
        "first": "(high, -) by ancestor", "second": "(low, -) by ancestor", "below": "(low, -) by ancestor",
      ])
  }

  // MARK: Rule 6

  @Test func `binding: a trace with one known rollout gives it to all of its spans`() async throws {
    try await expectTags(
      Example.append(Example.span(1), Self.tagged(2, "r"), Self.tagged(3, "r", "a")), Example.append(Example.span(4)),
      are: ["1/1": "(r, a) by binding", "1/4": "(r, a) by binding"])
  }

  @Test(arguments: 0...2) func `binding: before, between and after the spans`(place: Int) async throws {
    var groups = [1, 2].map { [Example.append(Example.span($0), Example.span($0 + 10, parent: $0))] }
    groups.insert([Example.bind(1, "r", "a")], at: place)
    let expected = Dictionary(uniqueKeysWithValues: [1, 2, 11, 12].map { ("1/\($0)", "(r, a) by binding") })
    for step in [1, 2_000] { try await expectTags(inOrder: groups, retagStep: step, are: expected) }
  }

  @Test func `binding: two of one trace that differ leave its spans to other evidence`() async throws {
    let span = Self.started(1, at: 10, [.session: "s"])
    let differing = [Example.bind(1, "r", "a"), Example.bind(1, "r", "b")]
    try await expectTags(
      Example.append(span, Example.span(2)), differing[0], differing[1], Example.register("s", "r3", from: 0),
      are: ["1/1": "(r3, -) by session", "1/2": "(-, -) by none"])
  }

  @Test func `binding: one of the trace that contradicts an explicit tag takes the rule away`() async throws {
    try await expectTags(
      Example.append(Self.tagged(1, "own"), Example.span(2)), Example.bind(1, "bound"),
      are: ["1/1": "(own, -) by explicit", "1/2": "(-, -) by none"])
  }

  @Test func `binding: one of a span counts for the trace when that span is stored without a rollout`() async throws {
    try await expectTags(
      Example.append(Example.span(1), Example.span(2)), Example.bind(1, span: 1, "r"),
      Example.bind(1, span: 99, "missing"),
      are: ["1/1": "(r, -) by subtree", "1/2": "(r, -) by binding"])
  }

  @Test func `binding: one that is deleted was never there`() async throws {
    let span = Example.append(Example.span(1), Example.span(2))
    for step in [1, 2_000] {
      try await expectTags(
        inOrder: [[span], [Example.bind(1, "r")], [Example.unbind(1, "r")]], retagStep: step,
        are: ["1/1": "(-, -) by none", "1/2": "(-, -) by none"])
      try await expectTags(
        inOrder: [[Example.bind(1, "r1"), Example.bind(1, "r2")], [span], [Example.unbind(1, "r1")]], retagStep: step,
        are: ["1/1": "(r2, -) by binding", "1/2": "(r2, -) by binding"])
      try await expectTags(
        inOrder: [
          [span, Example.bind(1, span: 1, "r")], [Example.unbind(1, span: 1, "r")],
          [Example.bind(1, span: 1, "r", "a")],
        ], retagStep: step, are: ["1/1": "(r, a) by subtree", "1/2": "(r, a) by binding"])
    }
  }

  @Test func `binding: a tag that comes with a repeat takes the rule away`() async throws {
    try await expectTags(
      Example.append(Example.span(1), Example.span(2)), Example.append(Example.span(1), request: "asked"),
      Example.bind(1, "bound"), are: ["1/1": "(asked, -) by request", "1/2": "(-, -) by none"])
  }

  @Test func `a rollout holds several traces, and a trace several rollouts`() async throws {
    try await expectTags(
      Example.append(
        Self.tagged(1, "r1"), Example.span(2, parent: 1), Self.tagged(3, "r2"), Example.span(4, parent: 3)),
      Example.append(Self.tagged(1, in: 2, "r1"), Example.span(2, in: 2)),
      Example.append(Example.span(1, in: 3)), Example.bind(3, "r1"),
      are: [
        "1/2": "(r1, -) by ancestor", "1/4": "(r2, -) by ancestor", "2/2": "(r1, -) by binding",
        "3/1": "(r1, -) by binding",
      ])
  }

  @Test func `the same span id in two traces are two spans`() async throws {
    try await expectTags(
      Example.append(Self.tagged(1, "r1"), Example.span(2, parent: 1), Example.span(1, in: 2)),
      Example.append(Example.span(2, in: 2, parent: 1)), Example.bind(2, span: 1, "r2"),
      are: ["1/2": "(r1, -) by ancestor", "2/1": "(r2, -) by subtree", "2/2": "(r2, -) by subtree"])
  }

  @Test func `ids that differ only in their Unicode form contradict each other`() async throws {
    let forms = ["\u{E9}", "e\u{301}"]
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1)]))
      for form in forms {
        let binding = NewBinding(traceID: TestSpan.traceID(1), rolloutID: form)
        #expect(try await store.bind(binding).isNew)
      }
      try await store.settleTags()
      #expect(try await store.spans(ofTrace: 1).map(\.row.rule) == [.none])
    }
  }

  // MARK: Rule 7

  @Test func `link: a span belongs where the first span with a tag does that it links to`() async throws {
    let linking = Example.span(1) {
      $0.links = [Example.node(9, in: 9), Example.node(2, in: 2), Example.node(3, in: 3), Example.node(4, in: 4)]
    }
    try await expectTags(
      Example.append(linking), Example.append(Example.span(2, in: 2), Example.span(3, in: 3)),
      Example.append(Self.tagged(4, in: 4, "later")), Example.bind(3, "r", "a"), are: ["1/1": "(r, a) by link"])
  }

  @Test func `link: a tag by link, session or auto is not followed`() async throws {
    let first = Example.span(1) { $0.links = [Example.node(2, in: 2)] }
    let second = Example.span(2, in: 2) { $0.links = [Example.node(3, in: 3)] }
    let third = Example.span(1, in: 4) { $0.links = [Example.node(2, in: 4)] }
    let fourth = Example.span(2, in: 4) { $0.sessions = [.session: "s"] }
    try await expectTags(
      Example.append(first, second, third, fourth), Example.append(Self.tagged(3, in: 3, "r")),
      Example.register("s", "r4", from: 0),
      are: [
        "1/1": "(-, -) by none", "2/2": "(r, -) by link", "4/1": "(-, -) by none", "4/2": "(r4, -) by session",
      ])
  }

  @Test func `link: one whose variants contradict each other is passed over`() async throws {
    let linking = Example.span(1) { $0.links = [Example.node(2, in: 2), Example.node(3, in: 3)] }
    let variants = ["r1", "r2"].map { name in
      Example.span(2, in: 2, name) { $0.attributes.rollout = name }
    }
    try await expectTags(
      Example.append(linking), Example.append(variants[0]), Example.append(variants[1]),
      Example.append(Self.tagged(3, in: 3, "r3")), are: ["1/1": "(r3, -) by link"])
  }

  @Test func `link: a variant comes, a binding goes, and the place that was followed with it`() async throws {
    let linking = Example.span(1) { $0.links = [Example.node(2, in: 2)] }
    let target = Example.append(Example.span(2, in: 2))
    for step in [1, 2_000] {
      try await expectTags(
        inOrder: [[Example.append(linking)], [target], [Example.bind(2, "r")], [Example.unbind(2, "r")]],
        retagStep: step, are: ["1/1": "(-, -) by none"])
      try await expectTags(
        inOrder: [[Example.bind(2, "r1")], [target], [Example.append(linking)], [Example.bind(2, span: 2, "r2", "a")]],
        retagStep: step, are: ["1/1": "(r2, a) by link"])
    }
  }

  @Test(arguments: [(127, "(r, -) by link"), (128, "(-, -) by none")])
  func `link: only the first 128 are followed`(others: Int, tag: String) async throws {
    let linking = Example.span(1) {
      $0.links = (0..<others).map { Example.node(UInt64($0) + 1, in: 9) } + [Example.node(2, in: 2)]
    }
    try await expectTags(Example.append(linking), Example.append(Self.tagged(2, in: 2, "r")), are: ["1/1": tag])
  }

  // MARK: Rule 8

  @Test func `session: a registration holds from its start to before its end`() async throws {
    let spans = ([4, 5, 9, 10] as [UInt64]).map { Self.started($0, at: $0, [.session: "s"]) }
    try await expectTags(
      Example.append(spans[0], spans[1]), Example.append(spans[2], spans[3]),
      Example.register("s", "r", "a", from: 5, to: 10),
      are: [
        "1/4": "(-, -) by none", "1/5": "(r, a) by session", "1/9": "(r, a) by session", "1/10": "(-, -) by none",
      ])
  }

  @Test func `session: of several that hold, the latest start counts`() async throws {
    let spans = ([5, 15, 25] as [UInt64]).map { Self.started($0, at: $0, [.conversation: "s"]) }
    try await expectTags(
      Example.append(spans[0], spans[1], spans[2]), Example.register("s", "r1", from: 0),
      Example.register("s", "r2", from: 10, to: 20),
      are: ["1/5": "(r1, -) by session", "1/15": "(r2, -) by session", "1/25": "(r1, -) by session"])
  }

  @Test func `session: times are taken without a sign`() async throws {
    let spans = [1, 1 << 63, .max].map { Self.started($0, at: $0, [.session: "s"]) }
    try await expectTags(
      Example.append(spans[0], spans[1], spans[2]), Example.register("s", "r1", from: 0),
      Example.register("s", "r2", from: 5, to: .max), Example.register("s", "r3", from: 1 << 63 | 1),
      are: [
        "1/1": "(r1, -) by session", "1/\(UInt64(1) << 63)": "(r2, -) by session",
        "1/\(UInt64.max)": "(r3, -) by session",
      ])
  }

  @Test func `session: the first key with a registration that holds the start counts`() async throws {
    let keys: [SpanSession.Key: String] = [
      .session: "unknown", .conversation: "over", .openClawSession: "s", .openClawSessionKey: "k",
    ]
    try await expectTags(
      Example.append(Self.started(1, at: 10, keys)), Example.register("k", "r1", from: 0),
      Example.register("over", "r2", from: 0, to: 10), Example.register("s", "r3", from: 0),
      are: ["1/1": "(r3, -) by session"])
  }

  @Test func `session: one that is replaced, ended or deleted counts as it is at last`() async throws {
    let spans = Example.append(
      Self.started(1, at: 10, [.openClawSessionKey: "s"]), Self.started(2, at: 30, [.openClawSession: "s"]))
    let first = Example.register("s", "r1", from: 5)
    for step in [1, 2_000] {
      try await expectTags(
        inOrder: [[first], [spans], [Example.register("s", "r2", "a", from: 5)]], retagStep: step,
        are: ["1/1": "(r2, a) by session", "1/2": "(r2, a) by session"])
      try await expectTags(
        inOrder: [[first], [spans], [Example.register("s", "r1", from: 5, to: 20)]], retagStep: step,
        are: ["1/1": "(r1, -) by session", "1/2": "(-, -) by none"])
      try await expectTags(
        inOrder: [[first], [Example.register("s", "r2", from: 20)], [spans], [Example.unregister("s", from: 20)]],
        retagStep: step, are: ["1/1": "(r1, -) by session", "1/2": "(r1, -) by session"])
      try await expectTags(
        inOrder: [[spans], [first], [Example.unregister("s", from: 5)]], retagStep: step,
        are: ["1/1": "(-, -) by none", "1/2": "(-, -) by none"])
    }
  }

  @Test func `session: stronger evidence goes before it, and gives way to it again`() async throws {
    let span = Example.append(Self.started(1, at: 10, [.session: "s"]))
    let session = Example.register("s", "r1", from: 0)
    try await expectTags(span, session, Example.bind(1, "r2"), are: ["1/1": "(r2, -) by binding"])
    try await expectTags(
      inOrder: [[span, session], [Example.bind(1, "r2")], [Example.unbind(1, "r2")]],
      are: ["1/1": "(r1, -) by session"])
  }

  // MARK: Rule 9

  @Test func `auto: a rollout is made for the trace`() async throws {
    let own = Example.span(2) { $0.attributes.attempt = "own" }
    let rollout = "trace-\(TestSpan.traceID(1))"
    try await expectTags(
      Example.append(Example.span(1), own), Example.append(Self.tagged(1, in: 2, "r")), autoRollout: .trace,
      are: ["1/1": "(\(rollout), -) by auto", "1/2": "(\(rollout), own) by auto"])
  }

  @Test func `auto: a rollout is made for the first session that the span names`() async throws {
    try await expectTags(
      Example.append(Self.started(1, at: 1, [.openClawSessionKey: "k", .openClawSession: "s"]), Example.span(2)),
      autoRollout: .session, are: ["1/1": "(session-s, -) by auto", "1/2": "(-, -) by none"])
  }

  @Test(arguments: AutoRollout.allCases) func `auto: any other fact takes over, and leaves again`(mode: AutoRollout)
    async throws
  {
    let span = Example.append(Self.started(1, at: 10, [.session: "s"]))
    let auto = [
      .off: "(-, -) by none", .trace: "(trace-\(TestSpan.traceID(1)), -) by auto", .session: "(session-s, -) by auto",
    ][mode]!
    let session = Example.register("s", "r1", from: 0)
    for step in [1, 2_000] {
      try await expectTags(inOrder: [[span]], autoRollout: mode, retagStep: step, are: ["1/1": auto])
      try await expectTags(
        inOrder: [[span], [session]], autoRollout: mode, retagStep: step, are: ["1/1": "(r1, -) by session"])
      try await expectTags(
        inOrder: [[span], [session], [Example.bind(1, span: 1, "r2")], [Example.unbind(1, span: 1, "r2")]],
        autoRollout: mode,
        retagStep: step, are: ["1/1": "(r1, -) by session"])
      try await expectTags(
        inOrder: [[span], [session], [Example.unregister("s", from: 0)]], autoRollout: mode, retagStep: step,
        are: ["1/1": auto])
    }
  }
}
