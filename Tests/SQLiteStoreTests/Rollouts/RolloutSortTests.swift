import SQLiteStore
import Synchronization
import Telemetry
import Testing
import TraceStore

/// Every order that a query can ask for, against the same order made of unsorted results.
@Suite struct `Sorted rollouts` {
  /// What is compared: unknown times are late, other unknown values are empty.
  private struct Key: Comparable {
    var number: Double
    var text: String

    init(_ number: Double?) { (self.number, text) = (number ?? .infinity, "") }
    init(_ text: String?) { (number, self.text) = (0, text ?? "") }
    init(_ end: Double?, since start: Double) { self.init(end.map { $0 - start }) }

    static func < (first: Key, second: Key) -> Bool {
      (first.number, first.text) < (second.number, second.text)
    }
  }

  /// Equal ones stay in the order in which they were made, in both directions.
  private static func sorted<Item>(_ items: [Item], descending: Bool, by key: (Item) -> Key) -> [Item] {
    items.enumerated().sorted { first, second in
      let (left, right) = (key(first.element), key(second.element))
      return left == right ? first.offset < second.offset : (left < right) != descending
    }.map(\.element)
  }

  /// A store with rollouts, attempts, workers and resources of which each value differs or is absent somewhere.
  private static func withFilledStore(_ body: (SQLiteStore, _ rollout: String) async throws -> Void) async throws {
    let clock = Atomic<Int64>(1_000_000_000_000)
    var options = SQLiteStoreOptions()
    options.now = { clock.add(1_000_000_000, ordering: .relaxed).newValue }
    try await withNewStore(options) { store in
      for id in ["rs-b", "rs-a", "rs-c", "rs-a"] {
        _ = try await store.store(resources: .emptyObject, as: id, once: nil)
      }
      var made: [String] = []
      for (mode, resources) in [(RolloutMode.val, "rs-b"), (nil, "rs-a"), (.train, "rs-c"), (.train, "rs-a")] {
        let new = NewRollout(input: .null, mode: mode, resourcesID: resources)
        made.append(try await store.enqueue([new], once: nil)[0].id)
      }
      for worker in ["w-b", nil, "w-a"] { _ = try await store.startAttempt(of: made[1], worker: worker, once: nil) }
      do {
        var change = AttemptChange()
        change.status = .succeeded
        change.lastHeartbeatTime = 5
        _ = try await store.update(attempt: .latest, of: made[1], change)
      }
      var cancelled = RolloutChange()
      cancelled.status = .cancelled
      _ = try await store.update(rollout: made[3], cancelled)
      _ = try await store.heartbeat(ofWorker: "w-b", stats: nil)
      _ = try await store.dequeue(limit: 1, worker: "w-c", once: nil)
      try await body(store, made[1])
    }
  }

  @Test(arguments: RolloutQuery.SortKey.allCases, [false, true])
  func `rollouts are sorted by any field`(key: RolloutQuery.SortKey, descending: Bool) async throws {
    try await Self.withFilledStore { store, _ in
      let all = try await store.all()
      var query = RolloutQuery()
      query.page.sortKey = key
      query.page.isDescending = descending
      let found = try await store.read { [query] session throws(StoreError) in try session.rollouts(query) }
      if key == .newest { return #expect(found.items == all.reversed()) }
      let expected = Self.sorted(all, descending: descending) { item in
        let rollout = item.rollout
        return switch key {
        case .id: Key(rollout.id)
        case .startTime: Key(rollout.startTime)
        case .endTime: Key(rollout.endTime)
        case .duration: Key(rollout.endTime, since: rollout.startTime)
        case .mode: Key(rollout.mode?.rawValue)
        case .resourcesID: Key(rollout.resourcesID)
        case .status: Key(rollout.status.rawValue)
        case .newest: Key(0)
        }
      }
      #expect(found.items == expected)
      #expect(found.total == all.count)
    }
  }

  @Test(arguments: AttemptQuery.SortKey.allCases, [false, true])
  func `attempts are sorted by any field`(key: AttemptQuery.SortKey, descending: Bool) async throws {
    try await Self.withFilledStore { store, rollout in
      var query = AttemptQuery(rolloutID: rollout)
      let all = try await store.read { [query] session throws(StoreError) in try session.attempts(query) }
      query.page.sortKey = key
      query.page.isDescending = descending
      let found = try await store.read { [query] session throws(StoreError) in try session.attempts(query) }
      let expected = Self.sorted(all.items, descending: descending) { attempt in
        switch key {
        case .rolloutID: Key(attempt.rolloutID)
        case .id: Key(attempt.id)
        case .sequence: Key(Double(attempt.sequence))
        case .startTime: Key(attempt.startTime)
        case .endTime: Key(attempt.endTime)
        case .duration: Key(attempt.endTime, since: attempt.startTime)
        case .status: Key(attempt.status.rawValue)
        case .workerID: Key(attempt.workerID)
        case .lastHeartbeatTime: Key(attempt.lastHeartbeatTime)
        }
      }
      #expect(found.items == expected)
      #expect(found.items.count == 3)
    }
  }

  @Test(arguments: WorkerQuery.SortKey.allCases, [false, true])
  func `workers are sorted by any field`(key: WorkerQuery.SortKey, descending: Bool) async throws {
    try await Self.withFilledStore { store, _ in
      var query = WorkerQuery()
      let all = try await store.read { [query] session throws(StoreError) in try session.workers(query) }
      query.page.sortKey = key
      query.page.isDescending = descending
      let found = try await store.read { [query] session throws(StoreError) in try session.workers(query) }
      let expected = Self.sorted(all.items, descending: descending) { worker in
        switch key {
        case .id: Key(worker.id)
        case .status: Key(worker.status.rawValue)
        case .lastHeartbeatTime: Key(worker.lastHeartbeatTime)
        case .lastDequeueTime: Key(worker.lastDequeueTime)
        case .lastBusyTime: Key(worker.lastBusyTime)
        case .lastIdleTime: Key(worker.lastIdleTime)
        case .currentRolloutID: Key(worker.currentRolloutID)
        case .currentAttemptID: Key(worker.currentAttemptID)
        }
      }
      #expect(found.items == expected)
      #expect(found.items.count == 3)
    }
  }

  @Test(arguments: ResourcesQuery.SortKey.allCases, [false, true])
  func `resources are sorted by any field`(key: ResourcesQuery.SortKey, descending: Bool) async throws {
    try await Self.withFilledStore { store, _ in
      var query = ResourcesQuery()
      let all = try await store.read { [query] session throws(StoreError) in try session.resources(query) }
      query.page.sortKey = key
      query.page.isDescending = descending
      let found = try await store.read { [query] session throws(StoreError) in try session.resources(query) }
      let expected = Self.sorted(all.items, descending: descending) { resources in
        switch key {
        case .id: Key(resources.id)
        case .createTime: Key(resources.createTime)
        case .updateTime: Key(resources.updateTime)
        case .version: Key(Double(resources.version))
        }
      }
      #expect(found.items == expected)
      #expect(found.items.count == 3)
    }
  }
}
