import Foundation
import SQLite
import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Rollout queue` {
  /// Entries whose rollouts wait no more, before the one that does: several transactions drop them.
  private static let stale = 25_000

  /// Opens a store whose queue begins with entries that are left over.
  ///
  /// - Parameter waiting: Rollouts behind them that wait.
  private func withStaleQueue(
    waiting: Int, _ body: (SQLiteStore, _ waiting: [String]) async throws -> Void
  ) async throws {
    let folder = try TemporaryFolder()
    let made = try await folder.withStore { store in
      let new = [NewRollout](repeating: NewRollout(input: .null), count: Self.stale + waiting)
      return try await store.enqueue(new, once: nil).map(\.id)
    }
    do {
      // As updates one by one would leave them, and sooner.
      let connection = try Connection(path: folder.database.path, access: .existing)
      try connection.execute(
        "UPDATE rollouts SET status = 'cancelled', stage = NULL, end_time = 1 WHERE queued <= \(Self.stale)")
    }
    try await folder.withStore { store in try await body(store, Array(made.dropFirst(Self.stale))) }
  }

  @Test func `a rollout is found behind any number of entries that are left over`() async throws {
    try await withStaleQueue(waiting: 2) { store, waiting in
      let key = RequestKey(key: "k", fingerprint: 1)
      let taken = try await store.dequeue(limit: 1, worker: "w", once: key)
      #expect(taken.map(\.rollout.id) == [waiting[0]])
      #expect(try await store.dequeue(limit: 1, worker: "w", once: key) == taken)
      let worker = try await store.read { session throws(StoreError) in try session.worker("w") }
      #expect(worker?.status == .busy)
      #expect(worker?.lastIdleTime == nil)
      #expect(try await store.dequeue(limit: 9, worker: nil, once: nil).map(\.rollout.id) == [waiting[1]])
    }
  }

  @Test func `a queue of entries that are left over is empty`() async throws {
    try await withStaleQueue(waiting: 0) { store, _ in
      #expect(try await store.dequeue(limit: 1, worker: "w", once: nil).isEmpty)
      let worker = try await store.read { session throws(StoreError) in try session.worker("w") }
      #expect(worker?.status == .idle)
    }
  }

  @Test(arguments: [0, -1, .min])
  func `whoever wants nothing is not noted`(limit: Int) async throws {
    try await withNewStore { store in
      let made = try await store.enqueue([NewRollout(input: .null)], once: nil)
      #expect(try await store.dequeue(limit: limit, worker: "w", once: nil).isEmpty)
      #expect(try await store.read { session throws(StoreError) in try session.worker("w") } == nil)
      #expect(try await store.dequeue(limit: 1, worker: nil, once: nil).map(\.rollout.id) == made.map(\.id))
    }
  }
}
