import Synchronization
import Telemetry
import Testing
import Threads
import TraceStore

@testable import SQLiteStore

@Suite struct `Group commit` {
  /// What a transaction is refused for.
  private struct Refusal: Error {}

  /// Keeps the writer inside a transaction.
  private final class Gate: Sendable {
    private let isOpen = Monitor(false)
    private let visits = Atomic<Int>(0)

    /// Begins a transaction that does not go on, and returns when it has begun.
    func occupy(_ store: SQLiteStore) async -> Task<Void, any Error> {
      var first: Task<Void, any Error>?
      await withCheckedContinuation { hasBegun in
        first = Task {
          try await store.perform(bytes: 1) { _, _, _ in
            // A transaction that fails for another's sake is made again.
            guard self.visits.add(1, ordering: .relaxed).oldValue == 0 else { return }
            hasBegun.resume()
            self.isOpen.wait(until: { $0 }, { _ in })
          }
        }
      }
      return first!
    }

    func open() {
      isOpen.update { isOpen in
        isOpen = true
        return true
      }
    }
  }

  private static func span(_ number: UInt64) -> TestSpan {
    TestSpan(trace: number, number).with { $0.attributes = [("agentlightning.rollout_id", .string("r"))] }
  }

  /// Returns when more waits for the writer than before.
  private func waitForMore(than bytes: Int, in store: SQLiteStore) async {
    while store.statistics.queueBytes <= bytes { await Task.yield() }
  }

  @Test func `what comes while a transaction is made goes with it`() async throws {
    let commits = Atomic<Int>(0)
    try await withNewStore { store async throws in
      store.listen(
        toCommits: { _ in commits.add(1, ordering: .relaxed) }, failures: { _ in }, checkpointFailures: { _ in })
      let gate = Gate()
      let first = await gate.occupy(store)
      let bytes = store.statistics.queueBytes
      let second = Task { try await store.append(batch([Self.span(1), Self.span(2), Self.span(1)])) }
      await waitForMore(than: bytes, in: store)
      gate.open()
      try await first.value
      #expect(try await second.value == AppendReceipt(stored: 2, duplicates: 1))
      #expect(try await store.rows(ofRollout: "r").map(\.spanID.value).sorted() == [1, 2])
    }
    // Told behind the answers, so it is complete when the store is closed.
    #expect(commits.load(ordering: .relaxed) == 1)
  }

  @Test func `work that nobody waits for is taken alone, and passed over once`() throws {
    let queue = WriteQueue(limit: 1_000)
    func add(_ bytes: Int, isBackground: Bool) throws {
      let command = PendingCommand(byteCount: bytes, isBackground: isBackground) { _, _ in
        {}
      } fail: { _ in
      }
      try queue.add(.command(command))
    }
    func take() -> [Int] {
      guard case .writes(let group) = queue.take(upTo: 1_000, waitingAtMost: .zero) else { return [] }
      return group.map(\.byteCount)
    }
    try add(100, isBackground: true)
    try add(1, isBackground: false)
    try add(2, isBackground: false)
    #expect(take() == [1, 2])
    try add(3, isBackground: false)
    #expect(take() == [100])
    // What comes meanwhile goes with it, other such work does not.
    try add(200, isBackground: true)
    #expect(queue.takeMore(upTo: 1_000).map(\.byteCount) == [3])
    #expect(take() == [200])
    #expect(take() == [])
    try add(300, isBackground: true)
    queue.close()
    #expect(take() == [300])
    guard case .closed = queue.take(upTo: 1_000, waitingAtMost: .zero) else {
      Issue.record("the queue is closing and empty")
      return
    }
  }

  @Test func `one of those that is refused takes nothing from the others`() async throws {
    try await withNewStore { store async throws in
      let gate = Gate()
      let first = await gate.occupy(store)
      var bytes = store.statistics.queueBytes
      let second = Task { try await store.append(batch([Self.span(1)])) }
      await waitForMore(than: bytes, in: store)
      bytes = store.statistics.queueBytes
      let third = Task { try await store.perform(bytes: 1) { _, _, _ in throw Refusal() } }
      await waitForMore(than: bytes, in: store)
      gate.open()
      try await first.value
      #expect(try await second.value == AppendReceipt(stored: 1))
      await #expect(throws: RolloutFault.self) { try await third.value }
      #expect(try await store.rows(ofRollout: "r").map(\.spanID.value) == [1])
    }
  }

  @Test func `what comes later has a later time`() async throws {
    let time = ManualTime()
    var options = SQLiteStoreOptions()
    options.now = time.next
    try await withNewStore(options) { store async throws in
      let gate = Gate()
      let first = await gate.occupy(store)
      let sent = time.next()
      let bytes = store.statistics.queueBytes
      let second = Task { try await store.perform(bytes: 1) { _, received, _ in received } }
      await waitForMore(than: bytes, in: store)
      gate.open()
      try await first.value
      #expect(try await second.value > sent)
    }
  }
}
