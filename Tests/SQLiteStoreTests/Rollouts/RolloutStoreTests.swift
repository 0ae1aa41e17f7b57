import SQLiteStore
import Synchronization
import Telemetry
import Testing
import TraceStore

@Suite struct `Rollout store` {
  private static let task = NewRollout(input: JSONText("1"))

  @Test func `a request that comes again has the effect and the answer of the first`() async throws {
    try await withNewStore { store in
      let key = RequestKey(key: "k1", fingerprint: 1)
      let first = try await store.enqueue([Self.task, Self.task], once: key)
      #expect(try await store.enqueue([Self.task, Self.task], once: key) == first)
      #expect(try await store.all().map(\.rollout.id) == first.map(\.id))

      let start = RequestKey(key: "k2", fingerprint: 2)
      let started = try await store.start(Self.task, worker: "w", once: start)
      #expect(try await store.start(Self.task, worker: "w", once: start) == started)

      let take = RequestKey(key: "k3", fingerprint: 3)
      let taken = try await store.dequeue(limit: 1, worker: nil, once: take)
      #expect(try await store.dequeue(limit: 1, worker: nil, once: take) == taken)

      let again = RequestKey(key: "k4", fingerprint: 4)
      let attempt = try await store.startAttempt(of: first[0].id, worker: nil, once: again)
      #expect(try await store.startAttempt(of: first[0].id, worker: nil, once: again) == attempt)
      #expect(attempt.attempt?.sequence == 2)

      let number = RequestKey(key: "k5", fingerprint: 5)
      #expect(try await store.nextSequence(rollout: "r", attempt: "a", once: number) == 1)
      #expect(try await store.nextSequence(rollout: "r", attempt: "a", once: number) == 1)
      #expect(try await store.nextSequence(rollout: "r", attempt: "a", once: nil) == 2)

      let resources = RequestKey(key: "k6", fingerprint: 6)
      let stored = try await store.store(resources: .emptyObject, as: nil, once: resources)
      #expect(try await store.store(resources: .emptyObject, as: nil, once: resources) == stored)
    }
  }

  @Test func `a key does not serve another request, nor one that was refused`() async throws {
    try await withNewStore { store in
      _ = try await store.enqueue([Self.task], once: RequestKey(key: "k", fingerprint: 1))
      await #expect(throws: RolloutFault.keyReused) {
        try await store.enqueue([Self.task], once: RequestKey(key: "k", fingerprint: 2))
      }
      let refused = RequestKey(key: "r", fingerprint: 1)
      await #expect(throws: RolloutFault.notFound("Rollout ro-x not found")) {
        try await store.startAttempt(of: "ro-x", worker: nil, once: refused)
      }
      #expect(try await store.enqueue([Self.task], once: refused).count == 1)
    }
  }

  @Test func `a key is forgotten after a day`() async throws {
    let clock = Atomic<Int64>(1_000_000_000)
    var options = SQLiteStoreOptions()
    options.now = { clock.load(ordering: .relaxed) }
    try await withNewStore(options) { store in
      let key = RequestKey(key: "k", fingerprint: 1)
      let first = try await store.enqueue([Self.task], once: key)
      clock.add(86_401 * 1_000_000_000, ordering: .relaxed)
      #expect(try await store.enqueue([Self.task], once: key) != first)
    }
  }

  @Test func `spans that come over OTLP are signs of life`() async throws {
    try await withNewStore { store in
      let started = try await store.start(Self.task, worker: nil, once: nil)
      let attempt = try #require(started.attempt)
      let tag = RolloutTag(rolloutID: started.rollout.id, attemptID: attempt.id, rule: .request)
      _ = try await store.append(batch([TestSpan(1)], tag: tag))
      let found = try #require(try await store.all().first)
      #expect(found.rollout.status == .running)
      #expect(found.attempt?.status == .running)
      #expect(found.attempt?.lastHeartbeatTime != nil)
      #expect(try await store.nextSequence(rollout: started.rollout.id, attempt: attempt.id, once: nil) == 2)
    }
  }

  @Test func `spans of an attempt that nobody has started change no status`() async throws {
    try await withNewStore { store in
      let started = try await store.start(Self.task, worker: nil, once: nil)
      let tag = RolloutTag(rolloutID: started.rollout.id, attemptID: "at-other", rule: .request)
      _ = try await store.append(batch([TestSpan(1)], tag: tag))
      #expect(try await store.all().first?.rollout.status == .preparing)
      #expect(try await store.all().first?.attempt == started.attempt)
      let attempts = try await store.read { session throws(StoreError) in
        try session.attempts(AttemptQuery(rolloutID: started.rollout.id))
      }
      #expect(attempts.items == [started.attempt])
    }
  }

  @Test func `the latest attempt is the one that was started last, with or without spans`() async throws {
    try await withNewStore { store in
      let first = try await store.start(Self.task, worker: nil, once: nil)
      let rollout = first.rollout.id
      let tag = RolloutTag(rolloutID: rollout, attemptID: try #require(first.attempt).id, rule: .request)
      _ = try await store.append(batch([TestSpan(1)], tag: tag))
      #expect(try await store.rows(ofRollout: rollout, attempt: .latest).count == 1)
      _ = try await store.startAttempt(of: rollout, worker: nil, once: nil)
      #expect(try await store.rows(ofRollout: rollout, attempt: .latest).isEmpty)
    }
  }

  @Test func `a span of a client is known by its id, whatever that is`() async throws {
    try await withNewStore { store in
      let started = try await store.start(Self.task, worker: nil, once: nil)
      let (rollout, attempt) = (started.rollout.id, try #require(started.attempt).id)
      func span(_ id: String, _ number: UInt64) throws -> NewSpan {
        let attributes: [(String, TestSpan.Value)] = [
          ("agentlightning.rollout_id", .string(rollout)), ("agentlightning.attempt_id", .string(attempt)),
          ("agentlightning.span_sequence_id", .int(7)),
        ]
        return NewSpan(
          rolloutID: rollout, attemptID: attempt, sequence: 7, traceID: "trace/1", spanID: id, parentID: "père",
          batch: try batch([TestSpan(number).with { $0.attributes = attributes }]))
      }
      #expect(try await store.add(span("span/1", 1)))
      #expect(try await !store.add(span("span/1", 1)))
      #expect(try await store.add(span("span/2", 2)))
      var query = SpanQuery(.rollout(rollout, attempt: .any))
      query.conditions = [
        .init(.spanID, .equals, "span/1"), .init(.traceID, .contains, "race"), .init(.parentID, .equals, "père"),
      ]
      #expect(try await store.rows(query).map(\.spanID.value) == [1])
      #expect(try await store.nextSequence(rollout: rollout, attempt: attempt, once: nil) == 8)
    }
  }

  @Test func `a number below zero is that of a span of a client alone`() async throws {
    try await withNewStore { store in
      let started = try await store.start(Self.task, worker: nil, once: nil)
      let (rollout, attempt) = (started.rollout.id, try #require(started.attempt).id)
      let attributes: [(String, TestSpan.Value)] = [
        ("agentlightning.rollout_id", .string(rollout)), ("agentlightning.attempt_id", .string(attempt)),
        ("agentlightning.span_sequence_id", .int(-5)),
      ]
      let span = NewSpan(
        rolloutID: rollout, attemptID: attempt, sequence: -5, traceID: "t", spanID: "s", parentID: nil,
        batch: try batch([TestSpan(1).with { $0.attributes = attributes }]))
      #expect(try await store.add(span))
      #expect(try await store.rows(ofRollout: rollout).map(\.sequence) == [-5])
      #expect(try await store.nextSequence(rollout: rollout, attempt: attempt, once: nil) == 1)
    }
  }

  @Test func `a sign of life from the future does not hide a later silence`() async throws {
    let clock = Atomic<Int64>(1_000_000_000_000)
    var options = SQLiteStoreOptions()
    options.now = { clock.load(ordering: .relaxed) }
    options.watchdogDebounce = .zero
    try await withNewStore(options) { store in
      var task = Self.task
      task.config.unresponsiveSeconds = 5
      let started = try await store.start(task, worker: nil, once: nil)
      let attempt = try #require(started.attempt).id
      var change = AttemptChange()
      change.lastHeartbeatTime = 1_000 + 3_600
      _ = try await store.update(attempt: .latest, of: started.rollout.id, change)
      try await store.findLateAttempts()
      let tag = RolloutTag(rolloutID: started.rollout.id, attemptID: attempt, rule: .request)
      _ = try await store.append(batch([TestSpan(1)], tag: tag))
      clock.add(6_000_000_000, ordering: .relaxed)
      try await store.findLateAttempts()
      #expect(try await store.all().first?.attempt?.status == .unresponsive)
    }
  }

  @Test func `an id with a zero in it is found whole`() async throws {
    try await withNewStore { store in
      _ = try await store.store(resources: .emptyObject, as: "a", once: nil)
      _ = try await store.store(resources: .emptyObject, as: "a\0b", once: nil)
      var query = ResourcesQuery()
      query.id = "a\0b"
      let found = try await store.read { [query] session throws(StoreError) in try session.resources(query) }
      #expect(found.items.map(\.id) == ["a\0b"])
    }
  }

  @Test func `an attempt without signs of life is given up, when somebody looks`() async throws {
    let clock = Atomic<Int64>(1_000_000_000_000)
    var options = SQLiteStoreOptions()
    options.now = { clock.load(ordering: .relaxed) }
    options.watchdogDebounce = .seconds(10)
    try await withNewStore(options) { store in
      var task = Self.task
      task.config.unresponsiveSeconds = 3
      _ = try await store.start(task, worker: "w", once: nil)
      clock.add(4_000_000_000, ordering: .relaxed)
      try await store.findLateAttempts()
      // The start has looked a moment ago.
      #expect(try await store.all().first?.rollout.status == .preparing)
      clock.add(7_000_000_000, ordering: .relaxed)
      try await store.findLateAttempts()
      #expect(try await store.all().first?.rollout.status == .failed)
      #expect(try await store.all().first?.attempt?.status == .unresponsive)
    }
  }

  @Test func `the timer looks although a client has looked a moment ago`() async throws {
    let clock = Atomic<Int64>(1_000_000_000_000)
    var options = SQLiteStoreOptions()
    options.now = { clock.load(ordering: .relaxed) }
    options.watchdogDebounce = .seconds(10)
    try await withNewStore(options) { store in
      var task = Self.task
      task.config.unresponsiveSeconds = 3
      _ = try await store.start(task, worker: "w", once: nil)
      clock.add(4_000_000_000, ordering: .relaxed)
      try await store.findLateAttempts(debounced: true)
      #expect(try await store.all().first?.attempt?.status == .preparing)
      try await store.findLateAttempts(debounced: false)
      #expect(try await store.all().first?.attempt?.status == .unresponsive)
    }
  }

  @Test func `those who wait are woken by whatever finishes a rollout`() async throws {
    try await withNewStore { store in
      let made = try await store.enqueue([Self.task, Self.task], once: nil)
      let ids = Set(made.map { ExactText($0.id) })
      async let rest = store.finishedRollouts.wait(for: ids, until: nil, sleep: { try? await Task.sleep(for: $0) }) {
        ids in
        try await store.read { session throws(StoreError) in try session.unfinished(ids) }
      }
      while store.finishedRollouts.waits < 1 { await Task.yield() }
      var change = RolloutChange()
      change.status = .cancelled
      _ = try await store.update(rollout: made[0].id, change)
      let taken = try await store.dequeue(limit: 1, worker: nil, once: nil)
      #expect(taken.map(\.rollout.id) == [made[1].id])
      var end = AttemptChange()
      end.status = .succeeded
      _ = try await store.update(attempt: .latest, of: made[1].id, end)
      #expect(try await rest.isEmpty)
      #expect(store.finishedRollouts.waits == 0)
    }
  }
}

extension SQLiteStore {
  /// All rollouts that somebody has made.
  func all() async throws -> [AttemptedRollout] {
    try await read { session throws(StoreError) in try session.rollouts(RolloutQuery()).items }
  }
}
