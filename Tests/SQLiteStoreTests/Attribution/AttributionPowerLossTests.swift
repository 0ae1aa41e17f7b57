import FaultVFS
import Foundation
import SQLiteStore
import SeededRandom
import Telemetry
import Testing
import TraceStore

/// Facts that were acknowledged survive power cuts, and so does the work that they make.
///
/// `ATTRIBUTION_CUT_WORLDS` sets the number of worlds of each run.
@Suite struct `Attribution and power loss` {
  private static let worlds =
    ProcessInfo.processInfo.environment["ATTRIBUTION_CUT_WORLDS"].flatMap { UInt64($0) } ?? 5

  @Test(arguments: 1...3 as ClosedRange<UInt64>)
  func `a cut of the power loses no fact and no work`(worker: UInt64) async throws {
    for number in 0..<Self.worlds {
      let seed = worker * 1_000_000 + number
      var random = SplitMix64(seed: seed)
      var schedule = AttributionSchedule(AttributionCase(seed: seed), &random, widest: 3)
      // Small steps, so that cuts find work that is half done.
      schedule.retagStep = Int.random(in: 1...3, using: &random)
      var walk = CutWalk(schedule: schedule, folder: try TemporaryFolder(), random: random)
      let problems: [String]
      do {
        problems = try await walk.run()
      } catch {
        problems = ["\(error)"]
      }
      guard problems.isEmpty else {
        Issue.record("seed \(seed)\n\(problems.joined(separator: "\n"))\n\(walk.story.joined(separator: "\n"))")
        return
      }
    }
  }
}

/// Brings facts to a store that loses its power again and again.
private struct CutWalk {
  let schedule: AttributionSchedule
  let folder: TemporaryFolder
  var random: SplitMix64
  /// What happened, for people.
  private(set) var story: [String] = []

  private let disk = FaultVFS()
  private var run = AttributionRun()
  private var acknowledged: [AttributionAction] = []
  /// What is yet to be acknowledged; of the first group some may be stored.
  private var waiting: [[AttributionAction]] = []
  /// What was tried when the power went.
  private var unknown: [AttributionAction] = []

  init(schedule: AttributionSchedule, folder: TemporaryFolder, random: SplitMix64) {
    self.schedule = schedule
    self.folder = folder
    self.random = random
    waiting = schedule.groups.map(\.actions)
    story.append("auto \(schedule.autoRollout), retag step \(schedule.retagStep), patience \(schedule.retagPatience)")
  }

  /// - Returns: What is wrong.
  mutating func run() async throws -> [String] {
    var rounds = 0
    while !waiting.isEmpty {
      rounds += 1
      guard rounds < 1_000 else { return ["no end after \(rounds) cuts"] }
      disk.cutPower(after: Int.random(in: 0...60, using: &random))
      let failures = try await goOn()
      if !failures.isEmpty { return failures }
      // Also while spans are being tagged anew, after the last fact.
      if !disk.isPowerCut { disk.cutPower() }
      _ = try disk.restorePower(seed: random.next())
      story.append("the power was cut; not acknowledged: \(unknown)")
      // Else the next cut finds the work of this round unfinished.
      guard Bool.random(using: &random) else { continue }
      let problems = try await check()
      if !problems.isEmpty { return problems }
    }
    return try await check()
  }

  /// Goes on until the power is gone, or all is done.
  private mutating func goOn() async throws -> [String] {
    let store: SQLiteStore
    do {
      store = try SQLiteStore(folder: folder.path, options: schedule.options(disk))
    } catch {
      guard disk.isPowerCut else { throw error }
      return []
    }
    var problems: [String] = []
    while let group = waiting.first {
      let failures = await run.perform(group, store)
      unknown = failures.map(\.action)
      let done = group.filter { !unknown.contains($0) }
      acknowledged += done
      if !done.isEmpty { story.append("acknowledged: \(done)") }
      if failures.isEmpty {
        waiting.removeFirst()
        continue
      }
      // Its sender tries again.
      waiting[0] = unknown
      if !disk.isPowerCut { problems = failures.map { "\($0.action): \($0.error)" } }
      break
    }
    // Sometimes right after the last fact, sometimes when its work is done.
    if problems.isEmpty, Bool.random(using: &random) {
      try? await store.settleTags { disk.isPowerCut }
    }
    await store.finish()
    return problems
  }

  /// What is stored are the acknowledged facts, and any of those that were tried.
  private func check() async throws -> [String] {
    try await folder.withStore(schedule.options(disk)) { store async throws in
      var problems: [String] = []
      for tried in 0..<1 << unknown.count {
        let stored = unknown.indices.filter { tried >> $0 & 1 == 1 }.map { unknown[$0] }
        let model = AttributionModel(acknowledged + stored, autoRollout: schedule.autoRollout)
        let differences = try await store.differences(from: model)
        if differences.isEmpty { return [] }
        if problems.isEmpty || differences.count < problems.count { problems = differences }
      }
      return problems
    }
  }
}
