import FaultVFS
import Foundation
import Testing

@Suite struct ConcurrencyTests {
  @Test("readers, a writer and a power cut on several threads", .timeLimit(.minutes(5)))
  func threads() async throws {
    let folder = try TemporaryFolder()
    let path = folder.path("a.db")
    let disk = FaultVFS()
    try Database(path: path, vfs: disk).execute(
      "PRAGMA journal_mode=WAL; CREATE TABLE row (id INTEGER PRIMARY KEY, contents)")
    disk.cutPower(after: 300)
    let committed = try await withThrowingTaskGroup { group in
      for _ in 0..<3 { group.addTask { try await onThread { try read(path: path, disk: disk) } } }
      group.addTask { try await onThread { try write(path: path, disk: disk) } }
      return try await group.reduce(0, max)
    }
    #expect(committed > 0)
    _ = try disk.restorePower(seed: 1)
    let database = try Database(path: path, vfs: disk)
    #expect(try database.column("PRAGMA integrity_check") == ["ok"])
    #expect(try database.column("SELECT count(*) >= \(committed) FROM row") == ["1"])
  }
}

private func write(path: String, disk: FaultVFS) throws -> Int {
  var committed = 0
  try untilPowerCut(disk) { () throws(SQLFailure) in
    let database = try Database(path: path, vfs: disk)
    // The timeout first: the others already use the file, and whoever comes first recovers the WAL.
    try database.execute("PRAGMA busy_timeout=10000; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=10")
    while true {
      try database.execute("INSERT INTO row (contents) VALUES (zeroblob(2000))")
      committed += 1
    }
  }
  return committed
}

/// Checks that the number of rows never falls; returns no commits of its own.
private func read(path: String, disk: FaultVFS) throws -> Int {
  try untilPowerCut(disk) { () throws(SQLFailure) in
    let database = try Database(path: path, vfs: disk)
    // A cache of nothing, so that every query reads the file and notices the cut.
    try database.execute("PRAGMA busy_timeout=10000; PRAGMA cache_size=0")
    var last = 0
    while !disk.isPowerCut {
      let count = try database.column("SELECT count(*) FROM row").first.flatMap { Int($0) } ?? 0
      #expect(count >= last)
      last = count
    }
  }
  return 0
}

private func untilPowerCut(_ disk: FaultVFS, _ body: () throws(SQLFailure) -> Void) throws {
  do { try body() } catch {
    guard disk.isPowerCut else {
      // The others would wait for the cut for ever.
      disk.cutPower()
      throw error
    }
  }
}

/// Runs `body` on a thread of its own: all of the pool's threads may be taken by bodies that wait for one another.
private func onThread(_ body: @escaping @Sendable () throws -> Int) async throws -> Int {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
  }
}
