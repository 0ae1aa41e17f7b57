import FaultVFS
import Foundation
import SQLite
import SeededRandom
import Testing

/// The WAL is written a transaction at a time; otherwise nothing is different.
@Suite struct `Collected frames` {
  /// A database of one table, with so small a cache that large transactions write frames twice.
  private static func open(_ path: String, vfs: String? = nil, collectsFrames: Bool, synchronous: String) throws
    -> Connection
  {
    let connection = try Connection(path: path, vfs: vfs, collectsFrames: collectsFrames)
    try connection.execute(
      """
      PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = \(synchronous);
      PRAGMA cache_size = 10;
      CREATE TABLE IF NOT EXISTS entries(id INTEGER PRIMARY KEY, text TEXT NOT NULL);
      CREATE INDEX IF NOT EXISTS by_text ON entries(text);
      """)
    return connection
  }

  private static func contents(_ connection: borrowing Connection) throws -> [String] {
    var select = try connection.prepare("SELECT id || ':' || text FROM entries ORDER BY id")
    var rows: [String] = []
    try select.forEach { (row: borrowing Row) in rows.append(row.string(at: 0)) }
    return rows
  }

  @Test func `a transaction is one write and one sync`() throws {
    let disk = FaultVFS()
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder.path("a.db"), vfs: disk.name, collectsFrames: true, synchronous: "FULL")
    for number in 1...3 {
      let before = disk.changeCount
      try connection.execute("INSERT INTO entries VALUES(\(number), 'text'); ")
      #expect(disk.changeCount - before == 2)
    }
  }

  @Test(arguments: ["FULL", "NORMAL"], [UInt64(1), 2, 3])
  func `what a killed process leaves behind is what it has committed`(synchronous: String, seed: UInt64) throws {
    var random = SplitMix64(seed: seed)
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder.path("a.db"), collectsFrames: true, synchronous: synchronous)
    let reader = try Connection(path: folder.path("a.db"), access: .existing)
    for round in 0..<30 {
      try connection.execute("BEGIN")
      for _ in 0..<Int.random(in: 1...4, using: &random) { try Self.change(connection, &random) }
      let isCommitted = Int.random(in: 0..<5, using: &random) > 0
      try connection.execute(isCommitted ? "COMMIT" : "ROLLBACK")
      if round % 7 == 0 { _ = try connection.checkpoint(round % 2 == 0 ? .passive : .truncate) }
      let expected = try Self.contents(connection)
      #expect(try Self.contents(reader) == expected)
      let copy = try TemporaryFolder()
      for name in ["a.db", "a.db-wal"] {
        try FileManager.default.copyItem(atPath: folder.path(name), toPath: copy.path(name))
      }
      let recovered = try Connection(path: copy.path("a.db"), access: .existing)
      #expect(try Self.contents(recovered) == expected)
      #expect(try recovered.text("PRAGMA integrity_check") == "ok")
    }
  }

  private static func change(_ connection: borrowing Connection, _ random: inout SplitMix64) throws {
    let first = Int.random(in: 0..<500, using: &random)
    let count = Int.random(in: 1...400, using: &random)
    let text = "hex(randomblob(\(Int.random(in: 1...200, using: &random))))"
    switch Int.random(in: 0..<4, using: &random) {
    case 0: try connection.execute("DELETE FROM entries WHERE id BETWEEN \(first) AND \(first + count)")
    case 1: try connection.execute("UPDATE entries SET text = \(text) WHERE id % 7 = \(first % 7)")
    case 2:
      // Part of the transaction is taken back: its frames may have been written already.
      try connection.execute(
        "SAVEPOINT part; UPDATE entries SET text = \(text); ROLLBACK TO part; RELEASE part;")
    default:
      try connection.execute(
        """
        WITH RECURSIVE numbers(n) AS (SELECT \(first) UNION ALL SELECT n + 1 FROM numbers WHERE n < \(first + count))
        INSERT OR REPLACE INTO entries SELECT n, \(text) FROM numbers
        """)
    }
  }

  @Test(arguments: ["FULL", "NORMAL"])
  func `the first commit in a WAL that a killed process has left is handed on as a whole`(synchronous: String) throws {
    let folder = try TemporaryFolder()
    let left = try TemporaryFolder()
    let former = try Self.open(folder.path("a.db"), collectsFrames: true, synchronous: synchronous)
    try former.execute("CREATE TABLE counter(value INTEGER); INSERT INTO counter VALUES(1)")
    for name in ["a.db", "a.db-wal"] {
      try FileManager.default.copyItem(atPath: folder.path(name), toPath: left.path(name))
    }
    let connection = try Self.open(left.path("a.db"), collectsFrames: true, synchronous: synchronous)
    let reader = try Connection(path: left.path("a.db"), access: .existing)
    for value in Int64(2)...4 {
      // One page: its frame is the first and the last of the transaction.
      try connection.execute("UPDATE counter SET value = \(value)")
      #expect(try reader.integer("SELECT value FROM counter") == value)
      let copy = try TemporaryFolder()
      for name in ["a.db", "a.db-wal"] {
        try FileManager.default.copyItem(atPath: left.path(name), toPath: copy.path(name))
      }
      #expect(try Connection(path: copy.path("a.db")).integer("SELECT value FROM counter") == value)
    }
  }

  @Test func `a write that fails fails its transaction, and the next one goes on`() throws {
    let disk = FaultVFS()
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder.path("a.db"), vfs: disk.name, collectsFrames: true, synchronous: "FULL")
    try connection.execute("INSERT INTO entries VALUES(1, 'one')")
    disk.failNext(.write)
    #expect(throws: SQLiteError.self) { try connection.execute("INSERT INTO entries VALUES(2, 'two')") }
    let isOpen = connection.isInTransaction
    #expect(!isOpen)
    try connection.execute("INSERT INTO entries VALUES(3, 'three')")
    #expect(try Self.contents(connection) == ["1:one", "3:three"])
  }
}
