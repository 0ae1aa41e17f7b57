import FaultVFS
import Foundation
import SQLite
import SQLiteStore
import SeededRandom
import Synchronization
import Telemetry
import Testing
import TraceStore

/// The first promise: what was acknowledged is there after a power cut, once.
///
/// `POWER_LOSS_ROUNDS` sets the number of cuts.
@Suite struct `Power loss` {
  private static let rounds = ProcessInfo.processInfo.environment["POWER_LOSS_ROUNDS"].flatMap { UInt64($0) } ?? 60
  private static let senders: UInt64 = 4

  private static func span(_ number: UInt64) -> TestSpan {
    // Some traces are shared, so that old pages change too.
    TestSpan(trace: number % 50 == 0 ? number : number / 7, number).with {
      $0.attributes = [("agentlightning.rollout_id", .string("r\(number % 5)"))]
      if number % 11 == 0 { $0.attributes.append(("text", .string(String(repeating: "x", count: 20_000)))) }
    }
  }

  @Test func `acknowledged spans survive cuts at any moment, once each`() async throws {
    let disk = FaultVFS()
    let folder = try TemporaryFolder()
    var random = SplitMix64(seed: 20_251_121)
    var acknowledged: Set<UInt64> = []
    var next: UInt64 = 1
    for round in 0..<Self.rounds {
      disk.cutPower(after: Int.random(in: 0...120, using: &random))
      let outcome = try await runUntilCut(disk, folder, from: next)
      acknowledged.formUnion(outcome.acknowledged)
      // What was not acknowledged is sent again in the next round, among others.
      next = max(1, outcome.next - min(outcome.next - 1, 20))
      _ = try disk.restorePower(seed: random.next())
      if round % 6 == 5 || round == Self.rounds - 1 { try await check(disk, folder, acknowledged) }
    }
    #expect(acknowledged.count > Int(Self.rounds))
  }

  /// Several senders write until the power is gone.
  private func runUntilCut(_ disk: FaultVFS, _ folder: TemporaryFolder, from first: UInt64) async throws
    -> (acknowledged: Set<UInt64>, next: UInt64)
  {
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    options.checkpointBytes = 100_000
    let store: SQLiteStore
    do {
      store = try SQLiteStore(folder: folder.path, options: options)
    } catch {
      // The power went while the store was opened.
      guard disk.isPowerCut else { throw error }
      return ([], first)
    }
    let numbers = Numbers(first: first)
    let acknowledged = await withTaskGroup(of: Set<UInt64>.self) { group in
      for _ in 0..<Self.senders { group.addTask { await send(numbers, to: store, disk) } }
      return await group.reduce(into: Set()) { $0.formUnion($1) }
    }
    await store.finish()
    return (acknowledged, numbers.afterLast)
  }

  /// Sends spans one by one until the power is gone.
  private func send(_ numbers: Numbers, to store: SQLiteStore, _ disk: FaultVFS) async -> Set<UInt64> {
    var acknowledged: Set<UInt64> = []
    while true {
      let number = numbers.next()
      do {
        _ = try await store.append(batch([Self.span(number)]))
        acknowledged.insert(number)
      } catch {
        #expect(disk.isPowerCut, "\(error)")
        return acknowledged
      }
    }
  }

  private func check(_ disk: FaultVFS, _ folder: TemporaryFolder, _ acknowledged: Set<UInt64>) async throws {
    let integrity = try Connection(path: folder.database.path, vfs: disk.name).text("PRAGMA integrity_check")
    #expect(integrity == "ok")
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    try await folder.withStore(options) { store async throws in
      var found: [UInt64] = []
      for rollout in 0..<5 {
        let spans = try await store.spans(SpanQuery(.rollout("r\(rollout)", attempt: .any)))
        found += spans.map(\.row.spanID.value)
        #expect(spans.allSatisfy { $0.bytes == Self.span($0.row.spanID.value).bytes })
      }
      #expect(Set(found).count == found.count)
      #expect(Set(found).isSuperset(of: acknowledged))
      for number in acknowledged.sorted().suffix(40) {
        let ids = try await store.rows(SpanQuery(.trace(Self.span(number).traceID))).map(\.spanID.value)
        #expect(ids.count { $0 == number } == 1)
      }
      let totals = try await store.totals()
      #expect(totals.spans == Int64(found.count))
    }
  }
}

/// Gives each sender its next span.
private final class Numbers: Sendable {
  private let last: Atomic<UInt64>

  init(first: UInt64) { last = Atomic(first - 1) }

  func next() -> UInt64 { last.add(1, ordering: .relaxed).newValue }

  var afterLast: UInt64 { last.load(ordering: .relaxed) + 1 }
}
