import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Tags of spans` {
  private static let rolloutKey = "agentlightning.rollout_id"
  private static let attemptKey = "agentlightning.attempt_id"
  private static let sequenceKey = "agentlightning.span_sequence_id"

  private static func tagged(_ id: UInt64, _ rollout: String, _ attempt: String? = nil, sequence: Int64? = nil)
    -> TestSpan
  {
    TestSpan(id).with { span in
      span.attributes = [(rolloutKey, .string(rollout))]
      if let attempt { span.attributes.append((attemptKey, .string(attempt))) }
      if let sequence { span.attributes.append((sequenceKey, .int(sequence))) }
    }
  }

  private static func request(_ rollout: String?, _ attempt: String?) -> RolloutTag {
    RolloutTag(rolloutID: rollout, attemptID: attempt, rule: .request)
  }

  @Test func `a span is found by its rollout and attempt`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(
        batch([Self.tagged(1, "r", "a"), Self.tagged(2, "r", "b"), Self.tagged(3, "other", "a")]))
      let rows = try await store.rows(ofRollout: "r")
      #expect(rows.map(\.spanID.value) == [1, 2])
      #expect(rows.map(\.attemptID) == ["a", "b"])
      #expect(rows.allSatisfy { $0.rolloutID == "r" && $0.rule == .explicit })
      #expect(try await store.rows(ofRollout: "r", attempt: .id("b")).map(\.spanID.value) == [2])
      #expect(try await store.rows(ofRollout: "r", attempt: .latest).map(\.spanID.value) == [2])
      #expect(try await store.rows(ofRollout: "r", attempt: .id("c")).isEmpty)
      #expect(try await store.rows(ofRollout: "unknown").isEmpty)
    }
  }

  @Test func `spans without a rollout are unassigned, and keep an attempt that they name`() async throws {
    try await withNewStore { store async throws in
      let partial = TestSpan(2).with { $0.attributes = [(Self.attemptKey, .string("a"))] }
      let elsewhere = Self.tagged(3, "r").with { $0.traceID = TestSpan.traceID(2) }
      _ = try await store.append(batch([TestSpan(1), partial, elsewhere]))
      let rows = try await store.rows(SpanQuery(.unassigned))
      #expect(rows.map(\.spanID.value) == [1, 2])
      #expect(rows.map(\.attemptID) == [nil, "a"])
      #expect(rows.map(\.rule) == [.none, .explicit])
      #expect(try await store.rows(ofRollout: "r").map(\.attemptID) == [nil])
    }
  }

  @Test func `numbers are issued in the order of arrival, and given ones raise them for later requests`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in
      _ = try await store.append(
        batch([Self.tagged(1, "r"), Self.tagged(2, "r", sequence: 10), Self.tagged(3, "r"), Self.tagged(4, "other")]))
      _ = try await store.append(batch([Self.tagged(5, "r", sequence: 3), Self.tagged(6, "r")]))
      #expect(try await store.rows(ofRollout: "r").map(\.sequence) == [1, 10, 2, 3, 11])
      #expect(try await store.rows(ofRollout: "other").map(\.sequence) == [1])
    }
    try await folder.withStore { store async throws in
      _ = try await store.append(batch([Self.tagged(7, "r")]))
      #expect(try await store.rows(ofRollout: "r").last?.sequence == 12)
    }
  }

  @Test func `the largest number can be given`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([Self.tagged(1, "r", sequence: .max)]))
      _ = try await store.append(batch([Self.tagged(2, "r")]))
      #expect(try await store.rows(ofRollout: "r").map(\.sequence) == [.max, .max])
    }
  }

  @Test func `a span that comes again uses no number`() async throws {
    try await withNewStore { store async throws in
      for _ in 0..<3 { _ = try await store.append(batch([Self.tagged(1, "r")])) }
      _ = try await store.append(batch([Self.tagged(2, "r")]))
      #expect(try await store.rows(ofRollout: "r").map(\.sequence) == [1, 2])
    }
  }

  @Test func `a repeat with a rollout moves a span that had none`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1), TestSpan(trace: 2, 2)]))
      _ = try await store.append(batch([TestSpan(1)], tag: Self.request("r", "a")))
      #expect(try await store.rows(SpanQuery(.unassigned)).map(\.spanID.value) == [2])
      let row = try #require(try await store.rows(ofRollout: "r", attempt: .id("a")).first)
      #expect(row.rule == .request)
      #expect(row.arrival == 1)
      #expect(row.sequence == 1)
      #expect(try await store.totals().unassigned == 1)
    }
  }

  // Of equal evidence the text that sorts first counts, whichever came first.
  @Test(arguments: [nil, "rest"] as [String?], [false, true])
  func `a repeat with weaker or equal evidence moves nothing`(rollout: String?, isReversed: Bool) async throws {
    try await withNewStore { store async throws in
      let tags = [Self.request("r", "b"), rollout.map { Self.request($0, "a") } ?? .unassigned]
      for tag in isReversed ? tags.reversed() : tags { _ = try await store.append(batch([TestSpan(1)], tag: tag)) }
      #expect(try await store.rows(ofRollout: "r", attempt: .latest).map(\.attemptID) == ["b"])
      #expect(try await store.rows(ofRollout: "rest").isEmpty)
      #expect(try await store.rollouts().map(\.id) == ["r"])
    }
  }

  @Test func `a repeat under another attempt does not make that the latest`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1)], tag: Self.request("r", "a")))
      _ = try await store.append(batch([TestSpan(1)], tag: Self.request("r", "b")))
      #expect(try await store.rows(ofRollout: "r", attempt: .latest).map(\.attemptID) == ["a"])
      #expect(try await store.rollouts().flatMap(\.attempts).map(\.id) == ["a"])
    }
  }

  // The attempt stands in the span, so its rule is explicit; the rollout comes with the request.
  @Test(arguments: [false, true])
  func `the rollout of a request is kept beside the attempt of a span`(isRolloutFirst: Bool) async throws {
    try await withNewStore { store async throws in
      let span = TestSpan(1).with { $0.attributes = [(Self.attemptKey, .string("a"))] }
      let tags = [Self.request("r", nil), .unassigned]
      for tag in isRolloutFirst ? tags : tags.reversed() { _ = try await store.append(batch([span], tag: tag)) }
      #expect(try await store.rows(ofRollout: "r").map(\.attemptID) == ["a"])
      #expect(try await store.rows(SpanQuery(.unassigned)).isEmpty)
    }
  }

  @Test func `a repeat is no sign of life of its attempt`() async throws {
    let clock = ManualTime()
    var options = SQLiteStoreOptions()
    options.now = clock.next
    try await withNewStore(options) { store async throws in
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)], tag: Self.request("r", "a")))
      _ = try await store.append(batch([TestSpan(trace: 2, 3)]))
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)], tag: Self.request("r", "a")))
      _ = try await store.append(batch([TestSpan(trace: 2, 3)], tag: Self.request("r", "a")))
      let attempt = try #require(try await store.rollouts().first?.attempts.first)
      #expect(attempt.spans == 3)
      #expect(attempt.firstArrival == 1)
      #expect(attempt.lastArrival == 1)
    }
  }

  @Test func `ids that differ only in their Unicode form are different ids`() async throws {
    let forms = ["\u{E9}", "e\u{301}"]
    try await withNewStore { store async throws in
      _ = try await store.append(batch([Self.tagged(1, forms[0], forms[0]), Self.tagged(2, forms[1], forms[1])]))
      _ = try await store.append(batch([Self.tagged(3, forms[0], forms[1])]))
      #expect(try await store.rows(ofRollout: forms[0]).map(\.spanID.value) == [1, 3])
      #expect(try await store.rows(ofRollout: forms[1]).map(\.spanID.value) == [2])
      #expect(try await store.rows(ofRollout: forms[0], attempt: .id(forms[1])).map(\.spanID.value) == [3])
    }
  }

  @Test(arguments: ["with\0zero", "'; DROP TABLE spans --", "💥", String(repeating: "x", count: 100_000)])
  func `an id may be any text`(id: String) async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([Self.tagged(1, id, id)]))
      let row = try #require(try await store.rows(ofRollout: id, attempt: .id(id)).first)
      #expect(row.rolloutID == id && row.attemptID == id)
    }
  }

  @Test func `a trace of several rollouts gives each its own spans`() async throws {
    try await withNewStore { store async throws in
      for number in UInt64(1)...30 { _ = try await store.append(batch([Self.tagged(number, "r\(number % 3)")])) }
      for rollout in UInt64(0)..<3 {
        let ids = try await store.rows(ofRollout: "r\(rollout)").map(\.spanID.value)
        #expect(ids == (1...30).filter { $0 % 3 == rollout })
      }
    }
  }
}
