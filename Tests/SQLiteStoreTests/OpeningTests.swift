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

  // Before version 4 only what a span said itself was followed.
  @Test func `spans of an older version are tagged by their trace context`() async throws {
    let folder = try TemporaryFolder()
    let traceID = TestSpan.traceID(1)
    do {
      let connection = try Connection(path: folder.database.path)
      try Schema.migrate(connection, path: folder.path, to: 3)
      try connection.execute(
        """
        INSERT INTO rollouts(id, rollout_id) VALUES(1, 'r'), (2, 'other');
        INSERT INTO attempts(id, rollout, attempt_id, spans, first_arrival, last_arrival, last_sequence)
          VALUES(1, 1, 'a', 1, 10, 20, 1), (2, 0, NULL, 2, 10, 20, 0), (3, 2, NULL, 1, 10, 20, 1), (4, 0, 'own', 1, 10, 20, 0);
        INSERT INTO traces VALUES(1, x'\(traceID)', NULL);
        INSERT INTO rollout_traces VALUES(1, 1, 1, 1), (0, 2, 1, 2), (2, 3, 1, 1), (0, 4, 1, 1);
        INSERT INTO spans(trace, span_id, variant, arrival, parent_id, attempt, sequence, rule, name, service, kind,
            status, start, duration, segment, offset)
          VALUES(1, 1, 0, 1, NULL, 1, 1, 1, 'root', 0, 1, 0, 1000, 1, 1, 0), (1, 2, 0, 2, 1, 2, NULL, 0, 'below', 0, 1, 0, 1000, 1, 1, 0),
            (1, 3, 0, 3, NULL, 2, NULL, 0, 'alone', 0, 1, 0, 1000, 1, 1, 0), (1, 4, 0, 4, NULL, 3, 1, 2, 'other', 0, 1, 0, 1000, 1, 1, 0),
            (1, 5, 0, 5, 2, 4, 9, 1, 'partial', 0, 1, 0, 1000, 1, 1, 0);
        INSERT INTO span_sessions VALUES(1, 's', 1, 3, 0);
        UPDATE store SET last_arrival = 5, last_segment = 1, last_trace = 1, spans = 5;
        """)
    }
    try await folder.withStore { store async throws in
      try await store.settleTags()
      let rows = try await store.rows(SpanQuery(.trace(traceID))).sorted { $0.arrival < $1.arrival }
      #expect(rows.map(\.rule) == [.explicit, .ancestor, .none, .request, .ancestor])
      #expect(rows.map(\.rolloutID) == ["r", "r", nil, "other", "r"])
      #expect(rows.map(\.attemptID) == ["a", "a", nil, nil, "own"])
      // What was given stays; of the others the one that has a rollout now has a number.
      #expect(rows.map(\.sequence) == [1, 2, nil, 1, 9])
      _ = try await store.register(NewSession(session: "s", rolloutID: "late", from: 0))
      try await store.settleTags()
      #expect(try await store.rows(ofRollout: "late").map(\.spanID.value) == [3])
    }
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
