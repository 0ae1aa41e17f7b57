import Foundation
import SQLite
import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// What happens to stored spans when facts come that concern them.
@Suite struct `Tagging stored spans anew` {
  private static func binding(_ trace: UInt64, _ rollout: String, _ attempt: String? = nil) -> NewBinding {
    NewBinding(traceID: TestSpan.traceID(trace), rolloutID: rollout, attemptID: attempt)
  }

  private static func request(_ rollout: String, _ attempt: String? = nil) -> RolloutTag {
    RolloutTag(rolloutID: rollout, attemptID: attempt, rule: .request)
  }

  private static func options(retagStep: Int) -> SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    options.retagStep = retagStep
    return options
  }

  // MARK: Repeats

  // The repeat of the first is decided before the others of its batch are stored.
  @Test(arguments: [false, true]) func `a repeat under another request is weighed with the rest of its batch`(
    isFirst: Bool
  ) async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1)], tag: Self.request("r1")))
      let spans = [TestSpan(1), TestSpan(2)]
      _ = try await store.append(batch(isFirst ? spans : spans.reversed(), tag: Self.request("r2")))
      _ = try await store.append(batch([TestSpan(3)]))
      try await store.settleTags()
      // Two rollouts are known of the trace, so it binds nothing.
      #expect(try await store.rows(SpanQuery(.unassigned)).map(\.spanID.value) == [3])
    }
  }

  @Test func `what a repeat changes is known to the others of its batch`() async throws {
    try await withNewStore { store async throws in
      let own = TestSpan(1).with { $0.attributes = [("agentlightning.rollout_id", .string("r"))] }
      let request = { RolloutTag(attemptID: $0, rule: .request) }
      _ = try await store.append(batch([own], tag: request("b")))
      _ = try await store.append(batch([own, TestSpan(2)], tag: request("a")))
      try await store.settleTags()
      let rows = try await store.rows(ofRollout: "r", attempt: .id("a"))
      #expect(rows.map(\.spanID.value) == [1, 2])
      #expect(rows.map(\.rule) == [.explicit, .binding])
    }
  }

  @Test(arguments: [false, true]) func `a cycle through its own id gives a variant nothing`(isLate: Bool) async throws {
    try await withNewStore { store async throws in
      func span(_ id: UInt64, _ name: String, parent: UInt64, _ rollout: String? = nil) -> TestSpan {
        TestSpan(id).with {
          $0.name = name
          $0.parentID = SpanID(value: parent)
          if let rollout { $0.attributes = [("agentlightning.rollout_id", .string(rollout))] }
        }
      }
      let spans = [
        span(3, "c", parent: 1), span(3, "c'", parent: 2), span(4, "b", parent: 3), span(1, "p", parent: 0, "r1"),
        span(2, "a", parent: 4), span(9, "other", parent: 0, "r2"),
      ]
      let order = isLate ? [3, 4, 2, 0, 1, 5] : Array(spans.indices)
      for index in order { _ = try await store.append(batch([spans[index]])) }
      try await store.settleTags()
      let rows = try await store.rows(SpanQuery(.trace(TestSpan.traceID(1))))
      #expect(rows.first { $0.name == "c" }?.rule == .ancestor)
      #expect(rows.first { $0.name == "c'" }?.rule == TagRule.none)
    }
  }

  // Were any of these steps to cost the square of the trace, it would be minutes.
  @Test func `a deep trace is repeated, tagged and changed`() async throws {
    let count: UInt64 = 2_000
    func chain(_ name: String = "operation", attempt: Bool = false) -> [TestSpan] {
      (1...count).map { id in
        TestSpan(id).with {
          $0.parentID = SpanID(value: id - 1)
          $0.name = name
          if attempt { $0.attributes = [("agentlightning.attempt_id", .string("a"))] }
        }
      }
    }
    try await withNewStore { store async throws in
      for tag in [.unassigned, .unassigned, Self.request("s"), Self.request("r"), Self.request("t")] {
        _ = try await store.append(batch(chain(), tag: tag))
      }
      _ = try await store.append(batch(chain("other")))
      _ = try await store.append(batch(chain("other")))
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r").count == Int(2 * count))
      #expect(try await store.totals().spans == Int64(2 * count))
    }
    try await withNewStore { store async throws in
      _ = try await store.append(batch(chain(attempt: true)))
      let children = (1...count).map { id in
        TestSpan(count + id).with { $0.parentID = SpanID(value: count) }
      }
      _ = try await store.append(batch(children))
      _ = try await store.bind(
        NewBinding(traceID: TestSpan.traceID(1), spanID: SpanID(value: 1), rolloutID: "r", attemptID: "b"))
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r").count == Int(2 * count))
    }
  }

  // The span between has the same tags before and after.
  @Test(arguments: [1, 2_000]) func `a change goes on below a span that has an attempt of its own`(step: Int)
    async throws
  {
    try await withNewStore(Self.options(retagStep: step)) { store async throws in
      let between = TestSpan(2).with {
        $0.parentID = SpanID(value: 1)
        $0.attributes = [("agentlightning.attempt_id", .string("a"))]
      }
      let below = TestSpan(3).with { $0.parentID = SpanID(value: 2) }
      _ = try await store.append(batch([TestSpan(1), between, below]))
      for attempt in [nil, "a"] {
        _ = try await store.bind(
          NewBinding(
            traceID: TestSpan.traceID(1), spanID: SpanID(value: 1), rolloutID: "r", attemptID: attempt))
        try await store.settleTags()
        #expect(try await store.spans(ofTrace: 1).map(\.row.attemptID) == [attempt, "a", attempt])
      }
    }
  }

  // What changes far above has not come down to the spans between when the last ones come.
  @Test(arguments: [1, 3]) func `a span below attempts of their own gets no change before its ancestors do`(
    attempts: UInt64
  ) async throws {
    var options = Self.options(retagStep: 1)
    options.durability = .process
    try await withNewStore(options) { store async throws in
      let length: UInt64 = 300
      let chain = (1...length + attempts).map { id in
        TestSpan(id).with {
          $0.parentID = SpanID(value: id - 1)
          if id > length { $0.attributes = [("agentlightning.attempt_id", .string("a"))] }
        }
      }
      _ = try await store.append(batch(chain))
      let bound = try await store.bind(
        NewBinding(traceID: TestSpan.traceID(1), spanID: SpanID(value: 1), rolloutID: "r"))
      let below = TestSpan(length + attempts + 1).with { $0.parentID = SpanID(value: length + attempts) }
      _ = try await store.append(batch([below]))
      #expect(try await store.unbind(bound.binding.id))
      try await store.settleTags()
      #expect(try await store.spans(ofTrace: 1).filter { $0.row.rolloutID != nil }.map(\.row.spanID).isEmpty)
    }
  }

  // MARK: Deletion

  @Test func `a rollout that was deleted is made anew by its next span`() async throws {
    let folder = try TemporaryFolder()
    let own = { (id: UInt64) in
      TestSpan(id).with { $0.attributes = [("agentlightning.rollout_id", .string("r"))] }
    }
    try await folder.withStore { store async throws in
      _ = try await store.append(batch([own(1), TestSpan(2)]))
      #expect(try await store.rows(ofRollout: "r").count == 2)
    }
    do {
      // What retention will do: the rows of the rollout, and nothing else.
      let connection = try Connection(path: folder.database.path)
      try connection.execute(
        """
        DELETE FROM spans WHERE attempt IN (SELECT id FROM attempts WHERE rollout != 0);
        DELETE FROM rollout_traces WHERE rollout != 0;
        DELETE FROM attempts WHERE rollout != 0;
        DELETE FROM rollouts;
        """)
    }
    try await folder.withStore { store async throws in
      _ = try await store.append(batch([TestSpan(3)]))
      #expect(try await store.rows(SpanQuery(.unassigned)).map(\.spanID.value) == [3])
      _ = try await store.append(batch([own(4)]))
      try await store.settleTags()
      let rows = try await store.rows(ofRollout: "r").sorted { $0.arrival < $1.arrival }
      #expect(rows.map(\.spanID.value) == [3, 4])
      #expect(Set(rows.compactMap(\.sequence)) == [1, 2])
    }
  }

  // MARK: Numbers

  @Test(arguments: [1, 2_000]) func `a span has a number for as long as it has a rollout`(step: Int) async throws {
    try await withNewStore(Self.options(retagStep: step)) { store async throws in
      func numbers() async throws -> Set<Int64?> {
        try await store.settleTags()
        return Set(try await store.spans(ofTrace: 1).map(\.row.sequence))
      }
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)]))
      #expect(try await numbers() == [nil])
      let bare = try await store.bind(Self.binding(1, "r")).binding
      #expect(try await numbers() == [1, 2])
      // Only the attempt changes.
      _ = try await store.bind(Self.binding(1, "r", "a"))
      #expect(try await numbers() == [1, 2])
      #expect(try await store.rows(ofRollout: "r", attempt: .id("a")).count == 2)
      let other = try await store.bind(Self.binding(1, "other")).binding
      #expect(try await numbers() == [nil])
      #expect(try await store.unbind(other.id))
      #expect(try await numbers() == [3, 4])
      #expect(try await store.unbind(bare.id))
      #expect(try await numbers() == [3, 4])
    }
  }

  // By a binding, and from a root that comes last; neither their ids nor their tree has this order.
  @Test(arguments: [false, true]) func `numbers follow the arrival of spans`(byRoot: Bool) async throws {
    try await withNewStore { store async throws in
      for number in UInt64(1)...100 {
        let parent = number % 3 == 0 ? number - 1 : 1000
        let span = TestSpan(number &* 0x9E37_79B9_7F4A_7C15).with {
          $0.parentID = SpanID(value: parent == 1000 ? 1000 : parent &* 0x9E37_79B9_7F4A_7C15)
        }
        _ = try await store.append(batch([span]))
      }
      if byRoot {
        _ = try await store.append(batch([TestSpan(1000)], tag: Self.request("r")))
      } else {
        _ = try await store.bind(Self.binding(1, "r"))
      }
      try await store.settleTags()
      let rows = try await store.rows(ofRollout: "r").sorted { $0.arrival < $1.arrival }
      let retagged = rows.filter { $0.spanID.value != 1000 }.compactMap(\.sequence)
      #expect(retagged.count == 100 && retagged == retagged.sorted())
    }
  }

  @Test func `a number that was given stays as given`() async throws {
    try await withNewStore { store async throws in
      let given = TestSpan(1).with { $0.attributes = [("agentlightning.span_sequence_id", .int(7))] }
      _ = try await store.append(batch([given, TestSpan(2)]))
      let first = try await store.bind(Self.binding(1, "r")).binding
      try await store.settleTags()
      #expect(try await store.spans(ofTrace: 1).first?.row.sequence == 7)
      _ = try await store.append(batch([TestSpan(3)]))
      // It has raised the counter of its rollout (AGL store contract, section 9).
      #expect(try await store.spans(ofTrace: 1).last?.row.sequence ?? 0 > 7)
      #expect(try await store.unbind(first.id))
      try await store.settleTags()
      #expect(try await store.spans(ofTrace: 1).map(\.row.sequence) == [7, nil, nil])
    }
  }

  @Test func `a span that moves to another rollout gets a number of that`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(trace: 2, 1), TestSpan(trace: 2, 2)], tag: Self.request("r2")))
      _ = try await store.append(batch([TestSpan(1)]))
      let first = try await store.bind(Self.binding(1, "r1")).binding
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r1").map(\.sequence) == [1])
      #expect(try await store.unbind(first.id))
      _ = try await store.bind(Self.binding(1, "r2"))
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r2").map(\.sequence) == [1, 2, 3])
      #expect(try await store.rollouts().map(\.id) == ["r2"])
    }
  }

  // MARK: Signs of life

  @Test(arguments: [1, 2_000]) func `to be tagged anew is no sign of life`(step: Int) async throws {
    let clock = ManualTime()
    var options = Self.options(retagStep: step)
    options.now = clock.next
    try await withNewStore(options) { store async throws in
      _ = try await store.append(batch([TestSpan(1)], tag: Self.request("r", "a")))
      let before = try #require(try await store.rollouts().first?.attempts.first)
      _ = try await store.append(batch([TestSpan(trace: 2, 1), TestSpan(trace: 2, 2)]))
      let bound = try await store.bind(Self.binding(2, "r", "a")).binding
      try await store.settleTags()
      var attempt = try #require(try await store.rollouts().first?.attempts.first)
      #expect(attempt.spans == 3)
      #expect(attempt.lastArrival == before.lastArrival)
      #expect(attempt.firstArrival == before.firstArrival)
      #expect(try await store.unbind(bound.id))
      try await store.settleTags()
      attempt = try #require(try await store.rollouts().first?.attempts.first)
      #expect(attempt.spans == 1)
      #expect(attempt.lastArrival == before.lastArrival)
    }
  }

  @Test func `an attempt does not run because old spans are bound to it`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1)]))
      let new = NewRollout(input: .emptyObject)
      let started = try await store.start(new, worker: nil, once: nil)
      let attempt = try #require(started.attempt)
      _ = try await store.bind(Self.binding(1, started.rollout.id, attempt.id))
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: started.rollout.id, attempt: .id(attempt.id)).count == 1)
      let found = try await store.read { session throws(StoreError) in
        try session.attempts(AttemptQuery(rolloutID: started.rollout.id)).items
      }
      #expect(found.map(\.status) == [.preparing])
      #expect(found.map(\.lastHeartbeatTime) == [nil])
    }
  }

  // MARK: Many spans

  private static let many: UInt64 = 20_000

  @Test func `a large trace is bound at once while others are appended`() async throws {
    try await withNewStore { store async throws in
      for first in stride(from: UInt64(1), through: Self.many, by: 5_000) {
        _ = try await store.append(batch((first..<first + 5_000).map { TestSpan($0) }))
      }
      // To the same trace and to others, while the spans from before are tagged anew.
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { _ = try await store.bind(Self.binding(1, "r", "a")) }
        for number in 0..<20 as Range<UInt64> {
          group.addTask {
            let spans = [TestSpan(Self.many + 1 + number), TestSpan(trace: 2, 1 + number)]
            let receipt = try await store.append(batch(spans))
            #expect(receipt == AppendReceipt(stored: 2))
          }
        }
        try await group.waitForAll()
      }
      try await store.settleTags()
      let rows = try await store.rows(ofRollout: "r", attempt: .id("a"))
      #expect(rows.count == Int(Self.many) + 20)
      #expect(rows.allSatisfy { $0.rule == .binding })
      #expect(Set(rows.map(\.sequence)).count == rows.count)
      #expect(rows.allSatisfy { $0.sequence != nil })
      #expect(try await store.totals().unassigned == 20)
    }
  }

  @Test func `a large trace that is bound and let go again belongs nowhere`() async throws {
    try await withNewStore(Self.options(retagStep: 100)) { store async throws in
      _ = try await store.append(batch((1...3_000).map { TestSpan($0) }))
      // The second comes while the work of the first is under way.
      let bound = try await store.bind(Self.binding(1, "r")).binding
      #expect(try await store.unbind(bound.id))
      try await store.settleTags()
      #expect(try await store.totals().unassigned == 3_000)
      #expect(try await store.rows(ofRollout: "r").isEmpty)
    }
  }

  @Test func `a session of many traces is registered, replaced and deleted`() async throws {
    try await withNewStore(Self.options(retagStep: 100)) { store async throws in
      let spans = (1...2_000).map { number in
        TestSpan(trace: number, 1).with { $0.attributes = [("session.id", .string("s"))] }
      }
      _ = try await store.append(batch(spans))
      let first = try await store.register(NewSession(session: "s", rolloutID: "r1", from: 0)).registration
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r1").count == 2_000)
      _ = try await store.register(NewSession(session: "s", rolloutID: "r2", attemptID: "a", from: 0))
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r2", attempt: .id("a")).count == 2_000)
      #expect(try await store.rows(ofRollout: "r1").isEmpty)
      #expect(try await store.unregister(session: first.id))
      try await store.settleTags()
      #expect(try await store.totals().unassigned == 2_000)
    }
  }

  @Test func `many spans that link to one follow it`() async throws {
    try await withNewStore(Self.options(retagStep: 100)) { store async throws in
      let target = TestSpan(trace: 9_999, 1)
      let spans = (1...2_000).map { number in
        TestSpan(trace: number, 1).with { $0.links = [(target.traceID, target.spanID)] }
      }
      _ = try await store.append(batch(spans))
      _ = try await store.append(batch([target]))
      #expect(try await store.totals().unassigned == 2_001)
      let bound = try await store.bind(Self.binding(9_999, "r", "a")).binding
      try await store.settleTags()
      let rows = try await store.rows(ofRollout: "r", attempt: .id("a"))
      #expect(rows.count { $0.rule == .link } == 2_000)
      #expect(try await store.unbind(bound.id))
      try await store.settleTags()
      #expect(try await store.totals().unassigned == 2_001)
    }
  }

  @Test func `work goes on where it was when the store is closed in the middle`() async throws {
    let folder = try TemporaryFolder()
    let options = Self.options(retagStep: 1)
    try await folder.withStore(options) { store async throws in
      _ = try await store.append(batch((1...500).map { TestSpan($0) }))
      _ = try await store.bind(Self.binding(1, "r", "a"))
    }
    // Opened and closed at once, which is to be quick and to lose nothing.
    for _ in 0..<3 { try await folder.withStore(options) { _ in } }
    try await folder.withStore(options) { store async throws in
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "r", attempt: .id("a")).count == 500)
      #expect(try await store.totals().unassigned == 0)
    }
  }

  // MARK: Registrations

  @Test func `the same words again are the same binding`() async throws {
    try await withNewStore { store async throws in
      let first = try await store.bind(Self.binding(1, "r"))
      let again = try await store.bind(Self.binding(1, "r"))
      #expect(first.isNew && !again.isNew)
      #expect(first.binding == again.binding)
      #expect(try await store.bind(Self.binding(1, "r", "a")).isNew)
      #expect(try await store.unbind(first.binding.id))
      #expect(try await !store.unbind(first.binding.id))
      #expect(try await store.bind(Self.binding(1, "r")).isNew)
    }
  }

  @Test func `a session that is registered again with its start keeps its number`() async throws {
    try await withNewStore { store async throws in
      let first = try await store.register(NewSession(session: "s", rolloutID: "r1", from: 5))
      let again = try await store.register(NewSession(session: "s", rolloutID: "r2", attemptID: "a", from: 5, to: 9))
      #expect(first.isNew && !again.isNew)
      #expect(first.registration.id == again.registration.id)
      #expect(try await store.register(NewSession(session: "s", rolloutID: "r1", from: 6)).isNew)
      #expect(try await store.unregister(session: first.registration.id))
      #expect(try await !store.unregister(session: first.registration.id))
    }
  }

  // MARK: Claims

  @Test func `a claim binds the traces that have unassigned spans, and no later ones`() async throws {
    try await withNewStore { store async throws in
      let session = TestSpan(trace: 2, 1).with { $0.attributes = [("session.id", .string("s"))] }
      _ = try await store.append(batch([TestSpan(trace: 1, 1), session, TestSpan(trace: 3, 1)]))
      _ = try await store.append(batch([TestSpan(trace: 4, 1)], tag: Self.request("own")))
      let bySession = try await store.claim(UnassignedClaim(.session("s"), rolloutID: "r1", attemptID: "a"))
      #expect(bySession.bindings.map(\.new) == [Self.binding(2, "r1", "a")])
      #expect(!bySession.hasMore)
      let traces = [1, 4, 9].map { TestSpan.traceID($0) }
      let byTrace = try await store.claim(UnassignedClaim(.traces(traces), rolloutID: "r2"))
      #expect(byTrace.bindings.map(\.new) == [Self.binding(1, "r2")])
      let byTime = try await store.claim(UnassignedClaim(.window(from: 1_000, to: 1_001), rolloutID: "r3"))
      #expect(byTime.bindings.map(\.new) == [Self.binding(3, "r3")])
      _ = try await store.append(batch([TestSpan(trace: 5, 1)]))
      try await store.settleTags()
      for (rollout, trace) in [("r1", 2), ("r2", 1), ("r3", 3)] as [(String, UInt64)] {
        #expect(try await store.rows(ofRollout: rollout).map(\.traceID) == [TestSpan.traceID(trace)])
      }
      #expect(try await store.rows(SpanQuery(.unassigned)).map(\.traceID) == [TestSpan.traceID(5)])
    }
  }
}
