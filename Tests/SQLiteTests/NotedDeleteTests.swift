import SQLite
import Testing

/// Rows that are deleted and told in one pass.
@Suite struct `Noted deletes` {
  /// Rows of two groups and two owners in turn, keyed like the index of spans, with another index beside.
  private static func open(_ folder: borrowing TemporaryFolder, rows: Int) throws -> Connection {
    let connection = try Connection(path: folder.path("a.db"))
    try connection.execute(
      """
      CREATE TABLE entries(a INTEGER, b INTEGER, owner INTEGER, value INTEGER, PRIMARY KEY(a, b)) STRICT, WITHOUT ROWID;
      CREATE INDEX entries_by_value ON entries(a, value) WHERE value IS NOT NULL;
      WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < \(rows - 1))
        INSERT INTO entries SELECT i % 2, i, i / 2 % 2, CASE WHEN i % 5 > 0 THEN i * 10 END FROM n;
      """)
    return connection
  }

  private static func delete(_ connection: borrowing Connection) throws -> NotedDelete {
    try NotedDelete(connection, from: "entries", in: "a = ?1", where: "owner = ?2", noting: ["b", "value"])
  }

  private static func run(
    _ delete: inout NotedDelete, _ a: Int64, _ owner: Int64, limit: Int
  ) throws -> (rows: [[Int64]], hasMore: Bool) {
    try delete.bind(a, at: 1)
    try delete.bind(owner, at: 2)
    var rows: [[Int64]] = []
    let hasMore = try delete.run(limit: limit) { row in rows.append([row[0], row[1]]) }
    return (rows, hasMore)
  }

  @Test func `what is told is what is gone, and nothing else`() throws {
    let folder = try TemporaryFolder()
    // More than there is memory for at first, on many pages.
    let count: Int64 = 4_000
    let connection = try Self.open(folder, rows: Int(count))
    var delete = try Self.delete(connection)
    let (rows, hasMore) = try Self.run(&delete, 1, 0, limit: .max)
    #expect(!hasMore)
    let expected = (0..<count).filter { row in row % 4 == 1 }.map { row -> [Int64] in [row, row % 5 > 0 ? row * 10 : 0]
    }
    #expect(rows == expected)
    #expect(connection.changes == rows.count)
    #expect(try connection.integer("SELECT count(*) FROM entries") == count - Int64(rows.count))
    #expect(try connection.integer("SELECT count(*) FROM entries WHERE a = 1 AND owner = 0") == 0)
    #expect(try connection.text("PRAGMA integrity_check") == "ok")
    // Nothing of one run is left for the next.
    #expect(try Self.run(&delete, 1, 0, limit: .max).rows.isEmpty)
    #expect(try Self.run(&delete, 0, 1, limit: .max).rows.count == Int(count) / 4)
  }

  @Test func `no more go than may go`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder, rows: 40)
    var delete = try Self.delete(connection)
    let first = try Self.run(&delete, 0, 0, limit: 4)
    #expect(first.hasMore)
    #expect(first.rows.count == 4)
    #expect(try connection.integer("SELECT count(*) FROM entries") == 36)
    // As many as there are.
    let second = try Self.run(&delete, 0, 0, limit: 6)
    #expect(!second.hasMore)
    #expect(Set((first.rows + second.rows).map { $0[0] }) == [0, 4, 8, 12, 16, 20, 24, 28, 32, 36])
    #expect(try Self.run(&delete, 0, 1, limit: 0).hasMore)
    #expect(try connection.integer("SELECT count(*) FROM entries") == 30)
  }

  @Test func `a rollback brings the rows back`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder, rows: 40)
    var delete = try Self.delete(connection)
    try connection.execute("BEGIN")
    #expect(try Self.run(&delete, 0, 0, limit: .max).rows.count == 10)
    try connection.execute("ROLLBACK")
    #expect(try Self.run(&delete, 0, 0, limit: .max).rows.count == 10)
  }
}
