import FaultVFS
import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// What subscribers hear of stored spans that are tagged anew.
@Suite(.timeLimit(.minutes(5))) struct `Publication of changed tags` {
  /// A change as these tests compare it.
  private struct Change: Hashable {
    var span: UInt64
    var before: RolloutTag
    var after: RolloutTag
    var sequence: Int64?

    init(_ span: UInt64, from before: RolloutTag, to after: RolloutTag, _ sequence: Int64?) {
      self.span = span
      self.before = before
      self.after = after
      self.sequence = sequence
    }

    init(_ retag: Retag) {
      self.init(retag.spanID.value, from: Self.shown(retag.before), to: Self.shown(retag.after), retag.sequence)
    }

    /// The rule of the attempt is not told.
    private static func shown(_ tag: RolloutTag) -> RolloutTag {
      RolloutTag(rolloutID: tag.rolloutID, attemptID: tag.attemptID, rule: tag.rule)
    }
  }

  private static func tag(_ rollout: String?, _ attempt: String? = nil, _ rule: TagRule) -> RolloutTag {
    RolloutTag(rolloutID: rollout, attemptID: attempt, rule: rule)
  }

  private static func binding(_ trace: UInt64, _ rollout: String, _ attempt: String? = nil, span: UInt64? = nil)
    -> NewBinding
  {
    NewBinding(
      traceID: TestSpan.traceID(trace), spanID: span.map { SpanID(value: $0) }, rolloutID: rollout, attemptID: attempt)
  }

  /// Follows the changes of a store.
  private final class Subscriber {
    let store: SQLiteStore
    var next: RetagCursor

    init(_ store: SQLiteStore) {
      self.store = store
      next = store.retags.page(after: nil, limit: 1).next
    }

    /// What has come since the last call.
    func retags() async throws -> [Retag] {
      try await store.settleTags()
      let page = store.retags.page(after: next, limit: 10_000)
      #expect(!page.isLost)
      next = page.next
      return page.retags
    }

    func changes() async throws -> Set<Change> {
      let retags = try await retags()
      let changes = Set(retags.map(Change.init))
      #expect(changes.count == retags.count)
      return changes
    }
  }

  // MARK: What is published

  @Test(arguments: [1, 2_000]) func `a binding publishes the spans that it changes`(step: Int) async throws {
    var options = SQLiteStoreOptions()
    options.retagStep = step
    try await withNewStore(options) { store async throws in
      let subscriber = Subscriber(store)
      _ = try await store.append(batch([TestSpan(1), TestSpan(2), TestSpan(trace: 2, 7)]))
      #expect(try await subscriber.changes().isEmpty)
      let bare = try await store.bind(Self.binding(1, "r")).binding
      let retags = try await subscriber.retags()
      #expect(
        Set(retags.map(Change.init)) == [
          Change(1, from: .unassigned, to: Self.tag("r", nil, .binding), 1),
          Change(2, from: .unassigned, to: Self.tag("r", nil, .binding), 2),
        ])
      #expect(retags.map(\.number) == [1, 2])
      #expect(retags.map(\.traceID) == [TestSpan.traceID(1), TestSpan.traceID(1)])
      #expect(retags.map(\.arrival).sorted() == [1, 2])
      // Those that come now are decided as they come; and the same words again change nothing.
      _ = try await store.append(batch([TestSpan(3)]))
      _ = try await store.bind(Self.binding(1, "r"))
      #expect(try await subscriber.changes().isEmpty)
      // A new rule with the same rollout is a change.
      let part = try await store.bind(Self.binding(1, "r", span: 3)).binding
      #expect(
        try await subscriber.changes() == [
          Change(3, from: Self.tag("r", nil, .binding), to: Self.tag("r", nil, .subtree), 3)
        ])
      #expect(try await store.unbind(part.id))
      #expect(try await store.unbind(bare.id))
      _ = try await subscriber.changes()
      #expect(try await store.totals().unassigned == 4)
    }
  }

  @Test func `a span that is let go is published without a number`() async throws {
    try await withNewStore { store async throws in
      let own = TestSpan(1).with { $0.attributes = [("agentlightning.attempt_id", .string("a"))] }
      _ = try await store.append(batch([own]))
      let subscriber = Subscriber(store)
      let bound = try await store.bind(Self.binding(1, "r", "b")).binding
      let change = Change(1, from: Self.tag(nil, "a", .explicit), to: Self.tag("r", "a", .binding), 1)
      #expect(try await subscriber.changes() == [change])
      #expect(try await store.unbind(bound.id))
      #expect(
        try await subscriber.changes() == [
          Change(1, from: Self.tag("r", "a", .binding), to: Self.tag(nil, "a", .explicit), nil)
        ])
    }
  }

  @Test func `spans that are decided as they come are not published`() async throws {
    try await withNewStore { store async throws in
      let subscriber = Subscriber(store)
      let target = TestSpan(1)
      _ = try await store.append(batch([target], tag: Self.tag("r", "a", .request)))
      // By a link, which is looked at behind the insertion; before its parent; under ids that are there; a repeat.
      let linking = TestSpan(trace: 2, 1).with { $0.links = [(target.traceID, target.spanID)] }
      let child = TestSpan(2).with { $0.parentID = SpanID(value: 3) }
      let parent = TestSpan(3).with { $0.parentID = target.spanID }
      let variant = TestSpan(3).with { $0.name = "other" }
      _ = try await store.append(batch([linking, child, parent, variant, parent]))
      #expect(try await subscriber.changes().isEmpty)
      #expect(try await store.rows(ofRollout: "r").count == 5)
    }
  }

  @Test func `a span that comes changes those that wait for it`() async throws {
    try await withNewStore { store async throws in
      let subscriber = Subscriber(store)
      _ = try await store.append(batch([TestSpan(2).with { $0.parentID = SpanID(value: 1) }]))
      _ = try await store.append(batch([TestSpan(1)], tag: Self.tag("r", nil, .request)))
      #expect(
        try await subscriber.changes() == [Change(2, from: .unassigned, to: Self.tag("r", nil, .ancestor), 2)])
      // A repeat that says more than the span did.
      _ = try await store.append(batch([TestSpan(trace: 2, 9)]))
      _ = try await store.append(batch([TestSpan(trace: 2, 9)], tag: Self.tag("r", "a", .request)))
      #expect(
        try await subscriber.changes() == [Change(9, from: .unassigned, to: Self.tag("r", "a", .request), 3)])
    }
  }

  @Test func `what queries do not show is not published`() async throws {
    try await withNewStore { store async throws in
      let span = TestSpan(1)
      _ = try await store.append(batch([span]))
      _ = try await store.bind(Self.binding(1, "r", "a"))
      let subscriber = Subscriber(store)
      // The attempt is now its own.
      _ = try await store.append(batch([span], tag: Self.tag(nil, "a", .request)))
      #expect(try await subscriber.changes().isEmpty)
    }
  }

  // MARK: When

  @Test func `what is published can be read`() async throws {
    var options = SQLiteStoreOptions()
    options.retagStep = 100
    try await withNewStore(options) { store async throws in
      _ = try await store.append(batch((1...1_000).map { TestSpan($0) }))
      var next = store.retags.page(after: nil, limit: 1).next
      async let bound = store.bind(Self.binding(1, "r"))
      var seen: Set<SpanID> = []
      while seen.count < 1_000 {
        let page = await store.retags.page(after: next, limit: 10_000, waitingAtMost: .seconds(60)) { time in
          try? await Task.sleep(for: time)
        }
        #expect(!page.isLost)
        let stored = Set(try await store.rows(ofRollout: "r").map(\.spanID))
        #expect(page.retags.allSatisfy { stored.contains($0.spanID) })
        for retag in page.retags { #expect(seen.insert(retag.spanID).inserted) }
        next = page.next
      }
      _ = try await bound
      #expect(next.number == 1_000)
    }
  }

  @Test func `a commit in doubt makes subscribers read again`() async throws {
    let disk = FaultVFS()
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    try await withNewStore(options) { store async throws in
      _ = try await store.append(batch([TestSpan(1)]))
      let subscriber = Subscriber(store)
      disk.failNext(.sync)
      await #expect(throws: StoreError.self) { try await store.bind(Self.binding(1, "r")) }
      _ = try await store.bind(Self.binding(1, "r"))
      #expect(try await store.rows(ofRollout: "r").count == 1)
      let page = store.retags.page(after: subscriber.next, limit: 10)
      #expect(page.isLost && page.retags.isEmpty)
      subscriber.next = page.next
      #expect(try await subscriber.changes().isEmpty)
      _ = try await store.bind(Self.binding(1, "r", "a"))
      #expect(try await subscriber.changes().count == 1)
    }
  }

  @Test func `what nobody follows is not collected`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)]))
      _ = try await store.bind(Self.binding(1, "r"))
      #expect(!store.retags.isFollowed)
      let subscriber = Subscriber(store)
      let start = RetagCursor(epoch: subscriber.next.epoch, number: 0)
      #expect(store.retags.page(after: start, limit: 9).isLost)
      #expect(try await subscriber.changes().isEmpty)
      _ = try await store.bind(Self.binding(1, "r", "a"))
      #expect(try await subscriber.changes().count == 2)
    }
  }

  @Test func `another run of the store has other cursors`() async throws {
    let folder = try TemporaryFolder()
    let old = try await folder.withStore { store async throws in store.retags.page(after: nil, limit: 1).next }
    try await folder.withStore { store async throws in
      #expect(store.retags.page(after: old, limit: 1).isLost)
    }
  }
}
