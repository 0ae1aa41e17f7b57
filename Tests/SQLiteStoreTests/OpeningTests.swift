import Foundation
import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

@Suite struct `Opening a store` {
  private func failure(_ body: () throws -> Void) -> StoreError? {
    do {
      try body()
      return nil
    } catch {
      return error as? StoreError
    }
  }

  private func change(_ folder: TemporaryFolder, _ sql: String) throws {
    try Connection(path: folder.database.path).execute(sql)
  }

  @Test func `a missing folder is made, for the owner alone`() async throws {
    let folder = try TemporaryFolder()
    let path = folder.url.appending(path: "a/b").path
    try SQLiteStore(folder: path).close()
    let permissions = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
    #expect(permissions == 0o700)
  }

  @Test func `a folder serves one store at a time`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { _ async throws in
      #expect(failure { try SQLiteStore(folder: folder.path).close() }?.code == .locked)
    }
    try SQLiteStore(folder: folder.path).close()
  }

  @Test func `a newer schema is refused and left alone`() async throws {
    let folder = try TemporaryFolder()
    try SQLiteStore(folder: folder.path).close()
    try change(folder, "PRAGMA user_version = 99")
    #expect(failure { try SQLiteStore(folder: folder.path).close() }?.code == .incompatible)
    #expect(failure { try ReaderPool(readingDatabaseAt: folder.database.path).close() } != nil)
    #expect(try Connection(path: folder.database.path).integer("PRAGMA user_version") == 99)
  }

  @Test func `a database of the first version is brought to the current one`() async throws {
    let folder = try TemporaryFolder()
    do {
      let connection = try Connection(path: folder.database.path)
      try Schema.migrate(connection, path: folder.path, to: 1)
      try connection.execute(
        """
        INSERT INTO rollouts VALUES(1, 'r', 41), (2, 'quiet', 7);
        INSERT INTO attempts VALUES(1, 1, 'a', 3, 10, 20), (2, 1, 'b', 1, 30, 40), (3, 2, NULL, 1, 50, 60);
        """)
    }
    #expect(failure { try ReaderPool(readingDatabaseAt: folder.database.path).close() } != nil)
    try await folder.withStore { store async throws in
      #expect(try await store.rollouts().map(\.id) == ["r", "quiet"])
      let tag = RolloutTag(rolloutID: "r", attemptID: "a", rule: .request)
      _ = try await store.append(batch([TestSpan(1)], tag: tag))
      #expect(try await store.rows(ofRollout: "r").map(\.sequence) == [42])
    }
    #expect(try Connection(path: folder.database.path).integer("PRAGMA user_version") == Schema.version)
  }

  @Test(arguments: ["PRAGMA application_id = 42", "CREATE TABLE notes(text)", "PRAGMA user_version = 1"])
  func `the database of another program is refused and left alone`(sql: String) async throws {
    let folder = try TemporaryFolder()
    try change(folder, "\(sql); CREATE TABLE other(id)")
    #expect(failure { try SQLiteStore(folder: folder.path).close() }?.code == .incompatible)
    #expect(try Connection(path: folder.database.path).text("PRAGMA journal_mode") == "delete")
  }

  @Test func `a file that is no database is reported as damaged`() async throws {
    let folder = try TemporaryFolder()
    try Data(repeating: 7, count: 10_000).write(to: folder.database)
    #expect(failure { try SQLiteStore(folder: folder.path).close() }?.code == .corrupt)
    // The lock is given back.
    try FileManager.default.removeItem(at: folder.database)
    try SQLiteStore(folder: folder.path).close()
  }

  @Test func `reading a folder without a database says so`() async throws {
    let folder = try TemporaryFolder()
    #expect(failure { try ReaderPool(readingDatabaseAt: folder.database.path).close() }?.code == .inputOutput)
    #expect(!FileManager.default.fileExists(atPath: folder.database.path))
  }

  @Test func `a clean end leaves one file, an unclean one is recovered`() async throws {
    let folder = try TemporaryFolder()
    let copy = try TemporaryFolder()
    try await folder.withStore { store async throws in
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)]))
      // What a killed process leaves behind.
      for suffix in ["", "-wal"] {
        try FileManager.default.copyItem(atPath: folder.database.path + suffix, toPath: copy.database.path + suffix)
      }
    }
    let size = try? FileManager.default.attributesOfItem(atPath: folder.database.path + "-wal")[.size] as? Int
    #expect(size == nil || size == 0)
    try await copy.withStore { store async throws in
      #expect(try await store.spans(ofTrace: 1).count == 2)
      #expect(try await store.append(batch([TestSpan(1)])) == AppendReceipt(duplicates: 1))
    }
  }

  @Test func `a store that is closing refuses`() async throws {
    let store = try SQLiteStore(folder: try TemporaryFolder().path)
    store.close()
    await #expect(throws: StoreError(.closing, "the store is closing")) { try await store.append(batch([TestSpan(1)])) }
    await #expect(throws: StoreError(.closing, "the store is closing")) { try await store.totals() }
  }
}
