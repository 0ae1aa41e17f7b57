import FaultVFS
import Foundation
import SQLite
import SeededRandom
import Synchronization
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

@Suite struct `Sessions of keys` {
  private static let second: Int64 = 1_000_000_000

  private static func key(_ number: UInt8) -> SessionKeyHash {
    SessionKeyHash([UInt8](repeating: number, count: SessionKeyHash.byteCount).span)!
  }

  private static func new(_ task: String, _ key: UInt8, _ limits: SessionLimits = SessionLimits()) -> NewKeySession {
    NewKeySession(
      taskID: task, groupID: "grp", key: Self.key(key), limits: limits,
      rollout: NewRollout(input: JSONText("{\"task_id\":1}")))
  }

  private func start(_ store: SQLiteStore, _ task: String, _ key: UInt8, _ limits: SessionLimits = SessionLimits())
    async throws -> KeySession
  {
    try #require(try await store.startSessions([Self.new(task, key, limits)], mostOpen: nil).first)
  }

  @Test func `a start makes a rollout and an attempt, and the key finds it at once`() async throws {
    try await withNewStore { store in
      let session = try await start(store, "task", 1)
      #expect(session.id == "task-0")
      #expect(store.sessionKeys.session(of: Self.key(1)) == session)
      #expect(store.sessionKeys.session(id: "task-0") == session)
      #expect(store.sessionKeys.session(of: Self.key(2)) == nil)
      let found = try #require(try await store.all().first)
      #expect(found.rollout.id == session.rolloutID)
      #expect(found.rollout.input == JSONText("{\"task_id\":1}"))
      #expect(found.attempt?.id == session.attemptID)
      #expect(try await start(store, "task", 2).id == "task-1")
      #expect(try await start(store, "other", 3).id == "other-0")
      #expect(store.sessionKeys.openCount == 3)
    }
  }

  @Test func `no more sessions are open than may be, and a group starts whole or not at all`() async throws {
    try await withNewStore { store in
      _ = try await store.startSessions([Self.new("t", 1)], mostOpen: 2)
      await #expect(throws: SessionKeyFault.noCapacity) {
        try await store.startSessions([Self.new("t", 2), Self.new("t", 3)], mostOpen: 2)
      }
      #expect(try await store.all().count == 1)
      let second = try await store.startSessions([Self.new("t", 2)], mostOpen: 2)
      #expect(second.map(\.id) == ["t-1"])
      _ = try await store.endSession(second[0].row)
      #expect(try await store.startSessions([Self.new("t", 3)], mostOpen: 2).count == 1)
    }
  }

  @Test func `an end closes the attempt, once`() async throws {
    try await withNewStore { store in
      let session = try await start(store, "t", 1)
      let ended = try await store.endSession(session.row)
      #expect(ended.ending == .finished)
      #expect(try await store.endSession(session.row) == ended)
      #expect(store.sessionKeys.session(of: Self.key(1)) == ended)
      #expect(try await store.first()?.attempt?.status == .succeeded)
      #expect(try await store.first()?.rollout.status == .succeeded)
      await #expect(throws: SessionKeyFault.unknown) { try await store.endSession(session.row + 1) }
    }
  }

  @Test func `a refresh ends the old attempt and starts another one of the same rollout`() async throws {
    try await withNewStore { store in
      let old = try await start(store, "t", 1)
      let new = try await store.refreshSession(old.row, with: Self.new("t", 1), mostOpen: 1)
      #expect(new.id == "t-1")
      #expect(new.rolloutID == old.rolloutID)
      #expect(new.attemptID != old.attemptID)
      #expect(store.sessionKeys.session(of: Self.key(1)) == new)
      let before = try #require(store.sessionKeys.session(id: old.id))
      #expect(before.ending == .refreshed)
      #expect(before.key == nil)
      let attempts = try await store.read { session throws(StoreError) in
        try session.attempts(AttemptQuery(rolloutID: old.rolloutID)).items
      }
      #expect(attempts.map(\.status) == [.succeeded, .preparing])
      #expect(try await store.first()?.rollout.status == .preparing)
      // Forgetting the old one leaves the key with the new one.
      try await store.removeSession(old.row)
      #expect(store.sessionKeys.session(of: Self.key(1)) == new)
      #expect(store.sessionKeys.session(id: old.id) == nil)
    }
  }

  @Test func `a refresh for another task starts another rollout`() async throws {
    try await withNewStore { store in
      let old = try await start(store, "t", 1)
      let new = try await store.refreshSession(old.row, with: Self.new("u", 1), mostOpen: 1)
      #expect(new.id == "u-0")
      #expect(new.rolloutID != old.rolloutID)
      #expect(try await store.all().map(\.rollout.status) == [.succeeded, .preparing])
    }
  }

  @Test func `a refresh of what the key has no longer is refused`() async throws {
    try await withNewStore { store in
      let old = try await start(store, "t", 1)
      let new = try await store.refreshSession(old.row, with: Self.new("t", 1), mostOpen: nil)
      await #expect(throws: SessionKeyFault.bound(new.id)) {
        try await store.refreshSession(old.row, with: Self.new("t", 1), mostOpen: nil)
      }
      try await store.removeSession(new.row)
      #expect(store.sessionKeys.session(of: Self.key(1)) == nil)
      await #expect(throws: SessionKeyFault.unknown) {
        try await store.refreshSession(new.row, with: Self.new("t", 1), mostOpen: nil)
      }
    }
  }

  @Test func `the numbers of a task go on when its sessions are gone`() async throws {
    try await withNewStore { store in
      try await store.removeSession(start(store, "t", 1).row)
      #expect(try await start(store, "t", 1).id == "t-1")
      #expect(store.sessionKeys.openCount == 1)
    }
  }

  // MARK: Ends of attempts

  @Test(arguments: [AttemptStatus.succeeded, .failed, .timeout, .unresponsive])
  func `a session ends with its attempt`(status: AttemptStatus) async throws {
    try await withNewStore { store in
      let session = try await start(store, "t", 1)
      var change = AttemptChange()
      change.status = .running
      _ = try await store.update(attempt: .latest, of: session.rolloutID, change)
      #expect(store.sessionKeys.session(id: session.id)?.ending == nil)
      change.status = status
      _ = try await store.update(attempt: .id(session.attemptID), of: session.rolloutID, change)
      #expect(store.sessionKeys.session(id: session.id)?.ending == .attemptEnded)
      // Its attempt keeps the status that it was given.
      #expect(try await store.endSession(session.row).ending == .attemptEnded)
      #expect(try await store.first()?.attempt?.status == status)
    }
  }

  @Test func `a session ends with its rollout`() async throws {
    try await withNewStore { store in
      let session = try await start(store, "t", 1)
      var change = RolloutChange()
      change.status = .cancelled
      _ = try await store.update(rollout: session.rolloutID, change)
      #expect(store.sessionKeys.session(id: session.id)?.ending == .attemptEnded)
    }
  }

  @Test func `a session ends when its attempt is found to be late`() async throws {
    let clock = Atomic<Int64>(Self.second)
    var options = SQLiteStoreOptions()
    options.now = { clock.load(ordering: .relaxed) }
    options.watchdogDebounce = .zero
    try await withNewStore(options) { store in
      var new = Self.new("t", 1)
      new.rollout.config.timeoutSeconds = 10
      let session = try #require(try await store.startSessions([new], mostOpen: nil).first)
      clock.add(11 * Self.second, ordering: .relaxed)
      try await store.findLateAttempts()
      #expect(store.sessionKeys.session(id: session.id)?.ending == .attemptEnded)
      #expect(try await store.first()?.attempt?.status == .timeout)
    }
  }

  // MARK: Time

  @Test func `a sweep ends what is idle or old, and forgets what ended long ago`() async throws {
    let clock = Atomic<Int64>(Self.second)
    var options = SQLiteStoreOptions()
    options.now = { clock.load(ordering: .relaxed) }
    try await withNewStore(options) { store in
      let idle = try await start(store, "idle", 1, SessionLimits(idleTimeout: 10 * Self.second))
      let used = try await start(store, "used", 2, SessionLimits(idleTimeout: 10 * Self.second))
      let old = try await start(store, "old", 3, SessionLimits(lifetime: 15 * Self.second))
      clock.add(9 * Self.second, ordering: .relaxed)
      #expect(store.sessionKeys.use(used.row, now: clock.load(ordering: .relaxed), countsRequest: true))
      clock.add(6 * Self.second, ordering: .relaxed)
      let now = clock.load(ordering: .relaxed)
      #expect(store.sessionKeys.session(id: "idle-0")?.ending(now: now) == .idle)
      try await store.sweepSessions(keepingEndedFor: 100 * Self.second, atMost: 10)
      #expect(store.sessionKeys.session(id: idle.id)?.ending == .idle)
      #expect(store.sessionKeys.session(id: used.id)?.ending == nil)
      #expect(store.sessionKeys.session(id: old.id)?.ending == .expired)
      #expect(store.sessionKeys.openCount == 1)
      let statuses = try await store.all().map { $0.attempt?.status }
      #expect(statuses == [.timeout, .preparing, .timeout])
      clock.add(101 * Self.second, ordering: .relaxed)
      try await store.sweepSessions(keepingEndedFor: 100 * Self.second, atMost: 10)
      #expect(store.sessionKeys.all.map(\.id) == ["used-0"])
      try await store.sweepSessions(keepingEndedFor: 100 * Self.second, atMost: 0)
      #expect(store.sessionKeys.all.isEmpty)
    }
  }

  @Test func `requests are counted up to a limit`() async throws {
    try await withNewStore { store in
      let session = try await start(store, "t", 1, SessionLimits(requests: 2))
      let index = store.sessionKeys
      #expect(index.use(session.row, now: 1, countsRequest: true))
      #expect(index.use(session.row, now: 1, countsRequest: true))
      #expect(!index.use(session.row, now: 1, countsRequest: true))
      #expect(index.use(session.row, now: 1, countsRequest: false))
      #expect(index.session(id: session.id)?.requests == 2)
    }
  }

  @Test func `those who wait hear of ends and removals`() async throws {
    try await withNewStore { store in
      let index = store.sessionKeys
      let (ended, removed) = (try await start(store, "t", 1), try await start(store, "t", 2))
      async let pending = index.endings.wait(
        for: [ExactText(ended.id), ExactText(removed.id)], until: nil, sleep: { try? await Task.sleep(for: $0) }
      ) { ids in ids.filter { id in index.session(id: id.text).map { $0.ending == nil } ?? false } }
      _ = try await store.endSession(ended.row)
      try await store.removeSession(removed.row)
      #expect(await pending.isEmpty)
    }
  }

  // MARK: Disk

  @Test func `sessions and what was used of them survive a restart`() async throws {
    let folder = try TemporaryFolder()
    let limits = SessionLimits(
      lifetime: 1 << 60, idleTimeout: 1 << 61, models: ["a", "b/c"], requests: 9)
    var before: [KeySession] = []
    try await folder.withStore { store async throws in
      let session = try await start(store, "t", 1, limits)
      let old = try await start(store, "u", 2)
      _ = try await store.refreshSession(old.row, with: Self.new("u", 2), mostOpen: nil)
      _ = try await start(store, "none", 3, SessionLimits(models: []))
      _ = store.sessionKeys.use(session.row, now: .max, countsRequest: true)
      try await store.sweepSessions(keepingEndedFor: 1 << 60, atMost: 10)
      before = store.sessionKeys.all.sorted { $0.row < $1.row }
      #expect(before[0].limits == limits)
      #expect(before[0].requests == 1)
    }
    try await folder.withStore { store async throws in
      #expect(store.sessionKeys.all.sorted { $0.row < $1.row } == before)
      #expect(store.sessionKeys.openCount == 3)
      #expect(store.sessionKeys.session(of: Self.key(2))?.id == "u-1")
      #expect(try await start(store, "u", 4).id == "u-2")
    }
  }

  @Test func `a database of version 4 gets its tables`() async throws {
    let folder = try TemporaryFolder()
    do {
      let connection = try Connection(path: folder.database.path)
      try Schema.migrate(connection, path: folder.path, to: 4)
      try connection.execute(
        """
        INSERT INTO rollouts(id, rollout_id, status, stage, start_time, max_attempts, retry_condition, attempts, latest_attempt)
          VALUES(1, 'ro-old', 'running', 2, 1.0, 1, '', 1, 1);
        INSERT INTO attempts(id, rollout, attempt_id, spans, first_arrival, last_arrival, status, number, start_time)
          VALUES(1, 1, 'at-old', 0, 0, 0, 'running', 1, 1.0);
        """)
    }
    try await folder.withStore { store async throws in
      #expect(store.sessionKeys.all.isEmpty)
      #expect(try await start(store, "t", 1).id == "t-0")
      #expect(try await store.all().map(\.attempt?.status) == [.running, .preparing])
    }
    let view = try Connection(path: folder.database.path).text(
      "SELECT session_id || ' ' || state FROM key_session_view")
    #expect(view == "t-0 open")
    #expect(try Connection(path: folder.database.path).integer("PRAGMA user_version") == Schema.version)
  }

  /// After a cut at any moment there is the old session or the new one, with its attempts, and never a part of both.
  @Test func `a power cut leaves a refresh whole or undone`() async throws {
    var outcomes: Set<String> = []
    for changes in 0..<24 {
      let disk = FaultVFS()
      var options = SQLiteStoreOptions()
      options.vfs = disk.name
      let folder = try TemporaryFolder()
      let store = try SQLiteStore(folder: folder.path, options: options)
      let old = try await start(store, "t", 1)
      disk.cutPower(after: changes)
      let new = try? await store.refreshSession(old.row, with: Self.new("t", 1), mostOpen: nil)
      if !disk.isPowerCut { disk.cutPower() }
      await store.finish()
      _ = try disk.restorePower(seed: UInt64(changes))
      try await folder.withStore(options) { store async throws in
        let session = try #require(store.sessionKeys.session(of: Self.key(1)))
        let attempts = try await store.read { session throws(StoreError) in
          try session.attempts(AttemptQuery(rolloutID: old.rolloutID)).items
        }
        #expect(store.sessionKeys.openCount == 1)
        if session.id == old.id {
          #expect(new == nil, "an acknowledged refresh is gone")
          #expect(session.ending == nil)
          #expect(attempts.map(\.status) == [.preparing])
        } else {
          #expect(session.id == "t-1")
          #expect(store.sessionKeys.session(id: old.id)?.ending == .refreshed)
          #expect(attempts.map(\.status) == [.succeeded, .preparing])
          #expect(attempts.last?.id == session.attemptID)
        }
        outcomes.insert(session.id)
      }
    }
    #expect(outcomes == ["t-0", "t-1"])
  }

  /// Whatever is done, in whatever order and with writes that fail, memory shows what the database has.
  @Test(arguments: 1...6 as ClosedRange<UInt64>)
  func `the index shows what is stored`(seed: UInt64) async throws {
    let clock = Atomic<Int64>(Self.second)
    let disk = FaultVFS()
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    options.now = { clock.load(ordering: .relaxed) }
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: seed)
    var shown: [KeySession] = []
    try await folder.withStore(options) { store async throws in
      for _ in 0..<150 {
        clock.add(Int64.random(in: 0...5, using: &random) * Self.second, ordering: .relaxed)
        if Int.random(in: 0..<12, using: &random) == 0 {
          disk.failNext(.write, after: Int.random(in: 0...3, using: &random))
        }
        await step(store, &random)
        let open = store.sessionKeys.all.filter { $0.ending == nil }
        #expect(store.sessionKeys.openCount == open.count)
        for session in store.sessionKeys.all {
          if let key = session.key { #expect(store.sessionKeys.session(of: key) == session) }
          #expect(store.sessionKeys.session(id: session.id) == session)
        }
      }
      // The fault may be left; the first sweep meets it, the second writes down what was used.
      try? await store.sweepSessions(keepingEndedFor: .max, atMost: .max)
      try await store.sweepSessions(keepingEndedFor: .max, atMost: .max)
      shown = store.sessionKeys.all.sorted { $0.row < $1.row }
    }
    try await folder.withStore(options) { store async throws in
      #expect(store.sessionKeys.all.sorted { $0.row < $1.row } == shown)
      let attempts = try await store.all().count { $0.attempt?.status == .preparing }
      #expect(attempts == store.sessionKeys.openCount)
    }
  }

  private func step(_ store: SQLiteStore, _ random: inout SplitMix64) async {
    let index = store.sessionKeys
    let number = UInt8.random(in: 0..<8, using: &random)
    let limits = SessionLimits(idleTimeout: 40 * Self.second, requests: 3)
    let new = Self.new("t\(number % 3)", number, limits)
    let known = index.all.sorted { $0.row < $1.row }.randomElement(using: &random)
    switch Int.random(in: 0..<8, using: &random) {
    case 0, 1:
      guard index.session(of: Self.key(number)) == nil else { return }
      _ = try? await store.startSessions([new], mostOpen: 6)
    case 2, 3:
      guard let current = index.session(of: Self.key(number)) else { return }
      _ = try? await store.refreshSession(current.row, with: new, mostOpen: 6)
    case 4:
      if let known { _ = try? await store.endSession(known.row) }
    case 5:
      if let known, known.ending != nil { try? await store.removeSession(known.row) }
    case 6:
      guard let known else { return }
      _ = index.use(known.row, now: known.lastUsed + Self.second, countsRequest: Bool.random(using: &random))
      var change = AttemptChange()
      change.status = .failed
      guard Bool.random(using: &random), known.ending == nil else { return }
      _ = try? await store.update(attempt: .id(known.attemptID), of: known.rolloutID, change)
    default: try? await store.sweepSessions(keepingEndedFor: 60 * Self.second, atMost: 5)
    }
  }

  @Test func `a failed transaction shows nothing`() async throws {
    let disk = FaultVFS()
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    try await withNewStore(options) { store in
      let old = try await start(store, "t", 1)
      disk.failNext(.write)
      await #expect(throws: SessionKeyFault.self) {
        try await store.refreshSession(old.row, with: Self.new("t", 1), mostOpen: nil)
      }
      #expect(store.sessionKeys.session(of: Self.key(1)) == old)
      #expect(store.sessionKeys.openCount == 1)
      let new = try await store.refreshSession(old.row, with: Self.new("t", 1), mostOpen: nil)
      #expect(store.sessionKeys.session(of: Self.key(1)) == new)
    }
  }
}

extension SQLiteStore {
  fileprivate func first() async throws -> AttemptedRollout? { try await all().first }
}
