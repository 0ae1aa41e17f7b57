import Foundation
import SQLite
import Testing

/// Rows that one statement takes from memory.
@Suite struct `Bulk inserts` {
  private static func open(_ folder: borrowing TemporaryFolder) throws -> Connection {
    let connection = try Connection(path: folder.path("a.db"))
    try connection.execute("CREATE TABLE entries(id INTEGER PRIMARY KEY, value ANY, text ANY) STRICT")
    return connection
  }

  private static func contents(_ connection: borrowing Connection, _ table: String = "entries") throws -> [String] {
    var select = try connection.prepare(
      "SELECT id || ' ' || quote(value) || ' ' || quote(text) || ' ' || typeof(text) FROM \(table) ORDER BY id")
    var rows: [String] = []
    try select.forEach { (row: borrowing Row) in rows.append(row.string(at: 0)) }
    return rows
  }

  @Test func `values of every type are stored as they are`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder)
    var insert = try BulkInsert(connection, into: "entries", columns: 3)
    let text = Array("ää".utf8)
    let blob: [UInt8] = [0, 255, 7]
    let nothing: [UInt8] = []
    for (id, value) in [Int64.min, -1, 0, .max].enumerated() {
      insert.add(Int64(id))
      insert.add(value)
      switch id {
      case 0: insert.addText(text.span)
      case 1: insert.addBlob(blob.span)
      case 2: insert.addText(nothing.span)
      default: insert.addBlob(nothing.span)
      }
    }
    insert.add(9)
    insert.add(Int64?.none)
    insert.addNull()
    #expect(insert.count == 5)
    try insert.run()
    #expect(insert.count == 0)
    #expect(
      try Self.contents(connection) == [
        "0 -9223372036854775808 'ää' text", "1 -1 X'00FF07' blob", "2 0 '' text", "3 9223372036854775807 X'' blob",
        "9 NULL NULL null",
      ])
  }

  @Test func `it takes as many rows as it says, again and again`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder)
    var insert = try BulkInsert(connection, into: "entries", "(id, text)", columns: 2)
    var expected: [String] = []
    for id in 0..<Int64(3 * BulkInsert.capacity + 5) {
      if insert.isFull { try insert.run() }
      let text = Array(String(repeating: "x", count: Int(id) % 50).utf8)
      insert.add(id)
      insert.addText(text.span)
      expected.append("\(id) NULL '\(String(decoding: text, as: UTF8.self))' text")
    }
    try insert.run()
    // Without rows there is nothing to do.
    try insert.run()
    #expect(try Self.contents(connection) == expected)
  }

  @Test func `rows whose keys are taken are left out, or change what is there`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder)
    try connection.execute("INSERT INTO entries VALUES(2, 20, NULL)")
    var insert = try BulkInsert(connection, into: "entries", columns: 3, "ON CONFLICT DO NOTHING")
    for id in Int64(1)...3 {
      insert.add(id)
      insert.add(id)
      insert.addNull()
    }
    try insert.run()
    #expect(connection.changes == 2)
    try connection.execute("CREATE TABLE others(id INTEGER PRIMARY KEY, value INTEGER, text TEXT) STRICT")
    var add = try BulkInsert(
      connection, into: "others", columns: 3, "ON CONFLICT DO UPDATE SET value = value + excluded.value")
    for _ in 0..<3 {
      add.add(1)
      add.add(5)
      add.addNull()
    }
    try add.run()
    #expect(try Self.contents(connection) == ["1 1 NULL null", "2 20 NULL null", "3 3 NULL null"])
    #expect(try Self.contents(connection, "others") == ["1 15 NULL null"])
  }

  @Test func `a statement that fails leaves nothing behind, neither rows nor what waits`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder)
    try connection.execute("INSERT INTO entries VALUES(2, 20, NULL)")
    var insert = try BulkInsert(connection, into: "entries", columns: 3)
    for id in Int64(1)...3 {
      insert.add(id)
      insert.addNull()
      insert.addNull()
    }
    var failure: SQLiteError?
    do throws(SQLiteError) { try insert.run() } catch { failure = error }
    #expect(failure?.code.primary == .constraint)
    #expect(insert.count == 0)
    insert.add(4)
    insert.addNull()
    insert.addNull()
    try insert.run()
    #expect(try Self.contents(connection) == ["2 20 NULL null", "4 NULL NULL null"])
  }

  @Test func `a statement that fails ends its transaction, and nothing of that is left`() throws {
    let folder = try TemporaryFolder()
    let connection = try Self.open(folder)
    try connection.execute("INSERT INTO entries VALUES(2, 20, NULL)")
    var insert = try BulkInsert(connection, into: "entries", columns: 3)
    try connection.execute("BEGIN; INSERT INTO entries VALUES(9, 90, NULL)")
    for id in Int64(1)...3 {
      insert.add(id)
      insert.addNull()
      insert.addNull()
    }
    #expect(throws: SQLiteError.self) { try insert.run() }
    let isInTransaction = connection.isInTransaction
    #expect(!isInTransaction)
    #expect(try Self.contents(connection) == ["2 20 NULL null"])
  }

  /// What a session that is given up does: its parts go in any order.
  @Test func `the connection may go before the statement`() throws {
    let folder = try TemporaryFolder()
    var connection: Connection? = try Self.open(folder)
    var insert = try BulkInsert(connection!, into: "entries", columns: 3)
    insert.add(1)
    insert.addNull()
    insert.addNull()
    try insert.run()
    connection = nil
    let other = try Connection(path: folder.path("a.db"), access: .existing)
    #expect(try Self.contents(other) == ["1 NULL NULL null"])
  }
}
