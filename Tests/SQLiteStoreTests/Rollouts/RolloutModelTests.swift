import FaultVFS
import Foundation
import SQLiteStore
import SeededRandom
import Synchronization
import Telemetry
import Testing
import TraceStore

/// Random operations on the store and on the model, with cuts of the power in between.
///
/// `ROLLOUT_MODEL_STEPS` sets the number of operations of each run.
@Suite struct `Rollouts against a model` {
  private static let steps = ProcessInfo.processInfo.environment["ROLLOUT_MODEL_STEPS"].flatMap { Int($0) } ?? 400

  @Test(arguments: 1...4 as ClosedRange<UInt64>)
  func `the store does what the model does`(seed: UInt64) async throws {
    let folder = try TemporaryFolder()
    var walk = RolloutWalk(seed: seed, folder)
    try await folder.withStore(walk.options) { store async throws in
      for step in 0..<Self.steps {
        try await walk.step(store)
        if step % 8 == 7 { try await walk.compare(store) }
      }
      try await walk.compare(store)
    }
    // All of it is in the database.
    try await folder.withStore(walk.options) { store async throws in
      try await walk.compare(store)
      for _ in 0..<50 { try await walk.step(store) }
      try await walk.compare(store)
    }
  }

  @Test(arguments: 11...13 as ClosedRange<UInt64>)
  func `a cut of the power leaves the state before or after an operation`(seed: UInt64) async throws {
    let disk = FaultVFS()
    let folder = try TemporaryFolder()
    var walk = RolloutWalk(seed: seed, folder, disk)
    for _ in 0..<Self.steps / 20 {
      disk.cutPower(after: Int.random(in: 0...60, using: &walk.random))
      var before: RolloutModel?
      if let store = try? SQLiteStore(folder: folder.path, options: walk.options) {
        while before == nil {
          let model = walk.model
          do {
            try await walk.step(store)
          } catch {
            guard disk.isPowerCut else { throw error }
            before = model
          }
        }
        await store.finish()
      }
      #expect(disk.isPowerCut)
      _ = try disk.restorePower(seed: walk.random.next())
      try await folder.withStore(walk.options) { store async throws in try await walk.settle(store, before: before) }
    }
  }
}
