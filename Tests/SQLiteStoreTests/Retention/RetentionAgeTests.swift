import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

@Suite struct `Retention by age` {
  private static func tag(_ rollout: String) -> RolloutTag { RolloutTag(rolloutID: rollout, attemptID: "a") }
  private let time = SetTime()
  private let month = RetentionPolicy { $0.maximumAge = .seconds(30 * 86_400) }

  @Test func `a rollout goes when its last span is too old, and not before`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("old")))
      _ = try await store.append(batch([TestSpan(trace: 2, 1)], tag: Self.tag("new")))
      time.pass(29 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 3, 1)], tag: Self.tag("new")))
      await store.makeRetentionPass()
      #expect(try await store.rollouts().map(\.id) == ["old", "new"])
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.rollouts().map(\.id) == ["new"])
      #expect(try await store.rows(ofRollout: "new").count == 2)
      #expect(try await store.rows(ofRollout: "old").isEmpty)
      #expect(try await store.rows(SpanQuery(.trace(TestSpan.traceID(1)))).isEmpty)
      #expect(try await store.totals().spans == 2)
      #expect(store.retentionStatistics.tally.spansByReason == [.age: 1])
    }
    try folder.checkConsistency()
  }

  @Test func `spans without a rollout go by the last one of their trace`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1), TestSpan(trace: 2, 1)]))
      time.pass(29 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 2, 2)]))
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.rows(SpanQuery(.trace(TestSpan.traceID(1)))).isEmpty)
      #expect(try await store.rows(SpanQuery(.trace(TestSpan.traceID(2)))).count == 2)
      #expect(try await store.rows(SpanQuery(.unassigned)).count == 2)
      time.pass(31 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
    try folder.checkConsistency()
  }

  @Test(arguments: [0, 1, 1 << 63, .max] as [UInt64])
  func `the time inside a span makes no difference`(start: UInt64) async throws {
    try await withNewStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(
        batch([TestSpan(trace: 1, 1).with { ($0.start, $0.end) = (start, start) }], tag: Self.tag("r")))
      time.pass(29 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 1)
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
  }

  @Test func `what failed, carries a reward or is pinned stays longer`() async throws {
    let policy = RetentionPolicy {
      $0.maximumAge = .seconds(10 * 86_400)
      $0.valuedAge = .seconds(20 * 86_400)
    }
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      let failed = try await store.start(NewRollout(input: JSONText("1")), worker: nil, once: nil).rollout.id
      var change = RolloutChange()
      change.status = .failed
      _ = try await store.update(rollout: failed, change)
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("plain")))
      let reward = TestSpan(trace: 2, 1).with {
        $0.name = "agentlightning.annotation"
        $0.attributes = [("agentlightning.reward.0.value", .int(1))]
      }
      _ = try await store.append(batch([reward], tag: Self.tag("rewarded")))
      let annotation = TestSpan(trace: 3, 1).with { $0.name = "agentlightning.annotation" }
      _ = try await store.append(batch([annotation], tag: Self.tag("annotated")))
      _ = try await store.append(batch([TestSpan(trace: 4, 1)], tag: Self.tag("pinned")))
      try await store.pin(rollout: "pinned", true)
      time.pass(11 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.rollouts().map(\.id) == ["rewarded", "pinned"])
      #expect(try await store.totals().rollouts == 1)
      time.pass(10 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.rollouts().map(\.id) == ["pinned"])
      #expect(try await store.totals().rollouts == 0)
      try await store.pin(rollout: "pinned", false)
      await store.makeRetentionPass()
      #expect(try await store.rollouts().isEmpty)
      await #expect(throws: RolloutFault.self) { try await store.pin(rollout: "pinned", true) }
    }
    try folder.checkConsistency()
  }

  @Test func `a rollout that waits is left alone, and a running one goes when it was quiet for the whole age`()
    async throws
  {
    try await withNewStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      let waiting = try await store.enqueue([NewRollout(input: JSONText("1"))], once: nil)
      let running = try await store.start(NewRollout(input: JSONText("1")), worker: nil, once: nil)
      let attempt = try #require(running.attempt)
      let tag = RolloutTag(rolloutID: running.rollout.id, attemptID: attempt.id)
      time.pass(29 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: tag))
      time.pass(29 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().rollouts == 2)
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.all().map(\.rollout.id) == [waiting[0].id])
      #expect(try await store.dequeue(limit: 2, worker: nil, once: nil).map(\.rollout.id) == [waiting[0].id])
    }
  }

  @Test func `what comes for a rollout that was deleted makes it anew`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      let parent = TestSpan(trace: 1, 1)
      let child = TestSpan(trace: 1, 2).with { $0.parentID = SpanID(value: 1) }
      _ = try await store.append(batch([parent], tag: Self.tag("r")))
      time.pass(31 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
      // Its parent is there no more.
      _ = try await store.append(batch([child]))
      #expect(try await store.rows(SpanQuery(.unassigned)).count == 1)
      #expect(try await store.append(batch([parent], tag: Self.tag("r"))) == AppendReceipt(stored: 1))
      let rows = try await store.rows(ofRollout: "r")
      #expect(rows.map(\.sequence) == [2, 1])
      #expect(rows.map(\.rule) == [.ancestor, .request])
    }
    try folder.checkConsistency()
  }

  @Test func `registrations of a rollout go with it, and what they bound is found out anew`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1)]))
      _ = try await store.bind(NewBinding(traceID: TestSpan.traceID(1), rolloutID: "bound", attemptID: nil))
      _ = try await store.register(
        NewSession(session: "s", rolloutID: "bound", from: 0))
      #expect(try await store.rows(ofRollout: "bound").count == 1)
      time.pass(31 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
      let late = TestSpan(trace: 1, 2).with { $0.attributes = [("session.id", .string("s"))] }
      _ = try await store.append(batch([late]))
      #expect(try await store.rows(SpanQuery(.unassigned)).count == 1)
    }
    try folder.checkConsistency()
  }

  @Test func `a trace keeps the spans of the rollouts that stay`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("old")))
      time.pass(20 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 1, 2)], tag: Self.tag("new")))
      // Two rollouts in one trace: what names neither is of none.
      _ = try await store.append(batch([TestSpan(trace: 1, 3)]))
      #expect(try await store.rows(SpanQuery(.unassigned)).count == 1)
      time.pass(11 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.rows(SpanQuery(.trace(TestSpan.traceID(1)))).count == 2)
      // Now the trace knows one rollout alone.
      _ = try await store.append(batch([TestSpan(trace: 1, 4)]))
      #expect(try await store.rows(ofRollout: "new").map(\.rule) == [.request, .binding])
    }
    try folder.checkConsistency()
  }

  @Test func `a clock that jumps deletes nothing until the grace is over`() async throws {
    try await withNewStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("r")))
      await store.makeRetentionPass()
      time.jump(400 * SetTime.day)
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.waitsForClock)
      #expect(try await store.totals().spans == 1)
      // Set right again.
      time.jump(-400 * SetTime.day)
      await store.makeRetentionPass()
      #expect(!store.retentionStatistics.waitsForClock)
      #expect(try await store.totals().spans == 1)
      time.jump(400 * SetTime.day)
      await store.makeRetentionPass()
      time.pass(3_601_000_000_000)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
  }

  @Test func `a store in which everything is too old at its start waits as well`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      let large = (1...400).map { TestSpan(trace: 1, UInt64($0)).with { $0.attributes = [("k", .string("v"))] } }
      _ = try await store.append(batch(large, tag: Self.tag("r")))
    }
    time.pass(60 * SetTime.day)
    try await folder.withStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.waitsForClock)
      #expect(try await store.totals().spans == 400)
      time.pass(3_601_000_000_000)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
  }

  @Test func `spans that came while the clock was ahead do not live for ever`() async throws {
    try await withNewStore(time.options(month)) { store async throws in
      await store.makeRetentionPass()
      time.jump(4_000 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("r")))
      time.jump(-4_000 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 2, 1)], tag: Self.tag("other")))
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 2)
      time.pass(31 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
  }

  @Test func `a policy that changes counts from the next pass on`() async throws {
    try await withNewStore(time.options(RetentionPolicy { _ in })) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("r")))
      await store.makeRetentionPass()
      time.pass(5 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 1)
      store.take(RetentionPolicy { $0.maximumAge = .seconds(4 * 86_400) })
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
  }
}
