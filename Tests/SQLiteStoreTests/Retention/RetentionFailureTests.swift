import FaultVFS
import Foundation
import SQLite
import SeededRandom
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

/// What retention does when the disk fails, is full or loses power while it deletes.
///
/// `POWER_LOSS_ROUNDS` sets the number of cuts.
@Suite struct `Retention on a disk that fails` {
  private static let rounds = ProcessInfo.processInfo.environment["POWER_LOSS_ROUNDS"].flatMap { Int($0) } ?? 40
  private static let policy = RetentionPolicy {
    $0.maximumAge = .seconds(86_400)
    $0.packAfter = .seconds(600)
    $0.clockGrace = .zero
  }
  private let time = SetTime()
  private let disk = FaultVFS()

  private func options(_ policy: RetentionPolicy = policy) -> SQLiteStoreOptions {
    var options = time.options(policy)
    options.vfs = disk.name
    options.durability = .power
    options.busyTimeout = .milliseconds(10)
    options.checkpointBytes = 100_000
    return options
  }

  private static func spans(_ rollout: Int, _ count: Int) -> [TestSpan] {
    (0..<count).map { number in
      TestSpan(trace: UInt64(rollout * 10 + number % 3), UInt64(number + 1)).with {
        $0.attributes = [
          ("text", .string(String(UInt64(rollout) &* 0x9E37_79B9_7F4A_7C15 &+ UInt64(number), radix: 36))),
          ("session.id", .string("s\(number % 5)")),
        ]
      }
    }
  }

  private static func tag(_ rollout: Int) -> RolloutTag { RolloutTag(rolloutID: "r\(rollout)", attemptID: "a") }

  @Test func `a cut at any moment leaves whole rollouts, and it goes on`() async throws {
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: 6)
    // Each with as many spans as it was sent; those of a multiple of 4 are pinned.
    var sent: [Int: Int] = [:]
    for round in 0..<Self.rounds {
      try await folder.withStore(options(RetentionPolicy { _ in })) { store async throws in
        for number in 0..<6 {
          let rollout = round * 6 + number
          let count = number == 5 ? 1_500 : Int.random(in: 1...40, using: &random)
          _ = try await store.append(batch(Self.spans(rollout, count), tag: Self.tag(rollout)))
          sent[rollout] = count
          if rollout % 4 == 0 { try await store.pin(rollout: "r\(rollout)", true) }
        }
      }
      time.pass(2 * SetTime.day)
      try await cutWhileDeleting(folder, after: Int.random(in: 0...400, using: &random))
      _ = try disk.restorePower(seed: random.next())
      try await folder.withStore(options(RetentionPolicy { _ in })) { store async throws in
        for (rollout, count) in sent {
          let found = try await store.spans(SpanQuery(.rollout("r\(rollout)", attempt: .any)))
          #expect(rollout % 4 == 0 ? found.count == count : found.count == count || found.isEmpty, "round \(round)")
          let bytes = Set(Self.spans(rollout, count).map(\.bytes))
          #expect(found.allSatisfy { bytes.contains($0.bytes) })
        }
      }
    }
    try await folder.withStore(options()) { store async throws in
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.failure == nil)
      let expected = sent.filter { $0.key % 4 == 0 }
      #expect(try await store.totals().spans == Int64(expected.values.reduce(0, +)))
      #expect(try await store.rollouts().count == expected.count)
    }
    try folder.checkConsistency()
  }

  private func cutWhileDeleting(_ folder: TemporaryFolder, after changes: Int) async throws {
    let store: SQLiteStore
    disk.cutPower(after: changes)
    do {
      store = try SQLiteStore(folder: folder.path, options: options())
    } catch {
      // The power went while the store was opened.
      guard disk.isPowerCut else { throw error }
      return
    }
    await store.makeRetentionPass()
    await store.finish()
    if !disk.isPowerCut { disk.cutPower() }
  }

  @Test func `a full disk stops it, and it goes on when there is room`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(options()) { store async throws in
      for rollout in 0..<40 { _ = try await store.append(batch(Self.spans(rollout, 60), tag: Self.tag(rollout))) }
      await store.makeRetentionPass()
    }
    // A log that has been long needs no room for what is written over it; a new one does.
    try await folder.withStore(options()) { store async throws in
      await store.makeRetentionPass()
      time.pass(2 * SetTime.day)
      disk.limitSpace(to: 0)
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.failure?.code == .full)
      #expect(try await store.totals().spans == 40 * 60)
      disk.limitSpace(to: nil)
      await store.makeRetentionPass()
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.failure == nil)
      #expect(try await store.totals().spans == 0)
      #expect(try await store.append(batch([TestSpan(1)])) == AppendReceipt(stored: 1))
    }
    try folder.checkConsistency()
  }

  @Test(arguments: [0, 3, 11]) func `a write that fails is tried again`(skipped: Int) async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(options()) { store async throws in
      for rollout in 0..<20 { _ = try await store.append(batch(Self.spans(rollout, 60), tag: Self.tag(rollout))) }
      await store.makeRetentionPass()
      time.pass(2 * SetTime.day)
      disk.failNext(.write, count: 2, after: skipped)
      for _ in 0..<4 { await store.makeRetentionPass() }
      #expect(store.retentionStatistics.failure == nil)
      #expect(try await store.totals().spans == 0)
    }
    try folder.checkConsistency()
  }
}
