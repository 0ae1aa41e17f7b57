import FaultVFS
import Foundation
import SQLite
import SQLiteStore
import Telemetry
import Testing
import TraceStore

/// What the store answers while its disk fails, and that it goes on by itself when the disk works again.
@Suite struct `Failures of the disk` {
  private static func options(_ disk: FaultVFS) -> SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    options.busyTimeout = .milliseconds(10)
    return options
  }

  /// Runs `body` with a store on a disk that can fail.
  private func withFaultyStore(_ body: (SQLiteStore, FaultVFS, TemporaryFolder) async throws -> Void) async throws {
    let disk = FaultVFS()
    let folder = try TemporaryFolder()
    try await folder.withStore(Self.options(disk)) { store async throws in try await body(store, disk, folder) }
    let connection = try Connection(path: folder.database.path)
    #expect(try connection.text("PRAGMA integrity_check") == "ok")
  }

  private static func span(_ number: UInt64) -> TestSpan {
    TestSpan(trace: number, number).with {
      $0.attributes = [
        ("agentlightning.rollout_id", .string("r")), ("text", .string(String(repeating: "x", count: 9_000))),
      ]
    }
  }

  /// Appends until one fails.
  private func appendUntilFailure(_ store: SQLiteStore, from first: UInt64) async throws -> (StoreError, UInt64) {
    for number in first..<first + 1_000 {
      do {
        _ = try await store.append(batch([Self.span(number)]))
      } catch let error as StoreError {
        return (error, number)
      }
    }
    throw NoFailure()
  }

  private struct NoFailure: Error {}

  /// Checks that exactly these spans are there, by their trace and by their rollout.
  private func expect(_ numbers: ClosedRange<UInt64>, in store: SQLiteStore) async throws {
    for number in numbers { #expect(try await store.spans(ofTrace: number).map(\.bytes) == [Self.span(number).bytes]) }
    #expect(try await store.rows(ofRollout: "r").map(\.spanID.value).sorted() == Array(numbers))
  }

  @Test(arguments: [FaultVFS.Operation.write, .sync], [0, 1, 2])
  func `a failed write or sync is reported, and the store goes on`(operation: FaultVFS.Operation, skipped: Int)
    async throws
  {
    try await withFaultyStore { store, disk, _ async throws in
      for number in UInt64(1)...3 { _ = try await store.append(batch([Self.span(number)])) }
      disk.failNext(operation, after: skipped)
      let (error, failed) = try await appendUntilFailure(store, from: 4)
      #expect(error.code == .inputOutput)
      #expect(error.isRetryable)
      // A failed sync leaves open whether the span was stored; sent again, it is there once.
      if operation == .write { try await expect(1...failed - 1, in: store) }
      _ = try await store.append(batch([Self.span(failed)]))
      #expect(store.failure == nil)
      try await expect(1...failed, in: store)
    }
  }

  @Test func `a store whose every write fails answers so each time, and recovers`() async throws {
    try await withFaultyStore { store, disk, _ async throws in
      _ = try await store.append(batch([Self.span(1)]))
      disk.failNext(.write, count: 1_000_000)
      for _ in 0..<5 {
        let error = await #expect(throws: StoreError.self) { try await store.append(batch([Self.span(2)])) }
        #expect(error?.code == .inputOutput)
        #expect(store.failure?.code == .inputOutput)
        // What was acknowledged can still be asked for.
        try await expect(1...1, in: store)
      }
      disk.failNext(.write, count: 0)
      _ = try await store.append(batch([Self.span(2)]))
      try await expect(1...2, in: store)
    }
  }

  @Test func `a full disk is reported as full, and space makes it work again`() async throws {
    try await withFaultyStore { store, disk, _ async throws in
      _ = try await store.append(batch([Self.span(1)]))
      disk.limitSpace(to: 100_000)
      let (error, failed) = try await appendUntilFailure(store, from: 2)
      #expect(error.code == .full)
      for _ in 0..<3 {
        let again = await #expect(throws: StoreError.self) { try await store.append(batch([Self.span(failed)])) }
        #expect(again?.code == .full)
        try await expect(1...failed - 1, in: store)
      }
      disk.limitSpace(to: nil)
      #expect(try await store.append(batch([Self.span(failed)])) == AppendReceipt(stored: 1))
      #expect(store.failure == nil)
      try await expect(1...failed, in: store)
    }
  }

  @Test func `a failed read is reported, and the next one works`() async throws {
    try await withFaultyStore { store, disk, _ async throws in
      for number in UInt64(1)...20 { _ = try await store.append(batch([Self.span(number)])) }
      disk.failNext(.read, count: 1_000_000)
      let error = await #expect(throws: StoreError.self) { try await store.spans(ofTrace: 1) }
      #expect(error?.code == .inputOutput)
      disk.failNext(.read, count: 0)
      try await expect(1...20, in: store)
    }
  }

  @Test func `another process that writes makes the store wait, then say so`() async throws {
    try await withFaultyStore { store, disk, folder async throws in
      _ = try await store.append(batch([Self.span(1)]))
      do {
        let other = try Connection(path: folder.database.path, access: .existing, vfs: disk.name)
        try other.execute("BEGIN IMMEDIATE")
        let error = await #expect(throws: StoreError.self) { try await store.append(batch([Self.span(2)])) }
        #expect(error?.code == .locked)
        try await expect(1...1, in: store)
        try other.execute("ROLLBACK")
      }
      #expect(try await store.append(batch([Self.span(2)])) == AppendReceipt(stored: 1))
      try await expect(1...2, in: store)
    }
  }

  @Test func `listeners learn when the store fails and when it works again`() async throws {
    try await withFaultyStore { store, disk, _ async throws in
      let (failures, report) = AsyncStream<StoreError.Code?>.makeStream()
      store.listen(toCommits: { _ in }, failures: { report.yield($0?.code) }, checkpointFailures: { _ in })
      _ = try await store.append(batch([Self.span(1)]))
      disk.failNext(.write)
      _ = try? await store.append(batch([Self.span(2)]))
      var iterator = failures.makeAsyncIterator()
      #expect(await iterator.next() == .some(.inputOutput))
      // Nobody writes: the store finds out by itself.
      #expect(await iterator.next() == .some(nil))
      #expect(store.failure == nil)
    }
  }

  @Test func `a damaged database is reported, and works when a good copy is put in its place`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in _ = try await store.append(batch([Self.span(1)])) }
    let good = try Data(contentsOf: folder.database)
    try await folder.withStore { store async throws in
      let damaged = Data(repeating: 0xA5, count: good.count)
      try replace(folder, with: damaged)
      // The writer may still know the pages that it needs; a reader has to read them.
      let error = await #expect(throws: StoreError.self) { try await store.spans(ofTrace: 1) }
      #expect(error?.code == .corrupt || error?.code == .inputOutput)
      _ = try? await store.append(batch([Self.span(2)]))
      try replace(folder, with: good)
      // The first use of the connections that saw the damage may still fail.
      var attempts = 0
      while (try? await store.append(batch([Self.span(2)]))) == nil, attempts < 10 { attempts += 1 }
      #expect(store.failure == nil)
      try await expect(1...2, in: store)
    }
  }

  private func replace(_ folder: TemporaryFolder, with contents: Data) throws {
    for suffix in ["-wal", "-shm"] {
      try? FileManager.default.removeItem(atPath: folder.database.path + suffix)
    }
    let handle = try FileHandle(forWritingTo: folder.database)
    try handle.truncate(atOffset: 0)
    try handle.write(contentsOf: contents)
    try handle.close()
  }

  @Test func `a checkpoint that fails is reported, and loses nothing`() async throws {
    let disk = FaultVFS()
    var options = Self.options(disk)
    options.checkpointBytes = 100_000
    try await TemporaryFolder().withStore(options) { store async throws in
      let (reports, report) = AsyncStream<StoreError.Code?>.makeStream()
      store.listen(toCommits: { _ in }, failures: { _ in }, checkpointFailures: { report.yield($0?.code) })
      var number: UInt64 = 0
      var seen: [StoreError.Code?] = []
      // Nothing but a checkpoint opens a file meanwhile.
      disk.failNext(.open)
      var iterator = reports.makeAsyncIterator()
      while seen.count < 2 {
        // Enough for one more checkpoint.
        for _ in 0..<30 {
          number += 1
          _ = try await store.append(batch([Self.span(number)]))
        }
        if let code = await iterator.next() { seen.append(code) }
      }
      #expect(seen == [.inputOutput, nil])
      try await expect(1...number, in: store)
    }
  }

  @Test func `batches that fail together do not fail the ones after`() async throws {
    try await withFaultyStore { store, disk, _ async throws in
      // The first transaction of them: how many there will be, and so how many writes, is a matter of time.
      disk.failNext(.write)
      let failures = await appendAtOnce(1...50, to: store)
      let kept = Set(try await store.rows(ofRollout: "r").map(\.spanID.value))
      #expect(kept.isSuperset(of: Set(1...50).subtracting(failures.keys)))
      for number in UInt64(1)...50 { _ = try await store.append(batch([Self.span(number)])) }
      try await expect(1...50, in: store)
    }
  }

  /// Why a span was not stored; `nil` when it was.
  private func failure(_ number: UInt64, _ store: SQLiteStore) async -> StoreError.Code? {
    do {
      _ = try await store.append(batch([Self.span(number)]))
      return nil
    } catch {
      return (error as? StoreError)?.code
    }
  }

  /// Appends spans from as many tasks; tells which of them failed, and why.
  private func appendAtOnce(_ numbers: ClosedRange<UInt64>, to store: SQLiteStore) async -> [UInt64: StoreError.Code] {
    await withTaskGroup(of: (UInt64, StoreError.Code?).self) { group in
      for number in numbers { group.addTask { (number, await failure(number, store)) } }
      var failures: [UInt64: StoreError.Code] = [:]
      for await (number, failure) in group { failures[number] = failure }
      return failures
    }
  }

  @Test func `a queue that is full refuses, and takes more when there is room`() async throws {
    var options = SQLiteStoreOptions()
    options.queueBytes = 50_000
    try await withNewStore(options) { store async throws in
      let results = await appendAtOnce(1...200, to: store)
      #expect(Set(results.values).isSubset(of: [.overloaded]))
      #expect(try await store.rows(ofRollout: "r").count == 200 - results.count)
      for number in UInt64(1)...200 { _ = try await store.append(batch([Self.span(number)])) }
      #expect(try await store.rows(ofRollout: "r").count == 200)
      #expect(store.statistics.queueBytes == 0)
    }
  }
}
