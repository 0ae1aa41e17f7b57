import CSQLite
import FaultVFS
import Testing

@Suite struct FaultTests {
  let disk = FaultVFS()

  private func open(_ folder: borrowing TemporaryFolder, _ pragmas: String = "PRAGMA journal_mode=WAL") throws
    -> Database
  {
    let database = try Database(path: folder.path("a.db"), vfs: disk)
    try database.execute("\(pragmas); CREATE TABLE IF NOT EXISTS row (contents)")
    return database
  }

  @Test("a planned fault gives its code once, then the disk works again")
  func once() throws {
    let folder = try TemporaryFolder()
    let database = try open(folder)
    disk.failNext(.write)
    #expect(throws: SQLFailure(code: SQLITE_IOERR | 3 << 8)) { try database.execute("INSERT INTO row VALUES (1)") }
    try database.execute("INSERT INTO row VALUES (2)")
    disk.failNext(.sync)
    #expect(throws: SQLFailure(code: SQLITE_IOERR | 4 << 8)) {
      try database.execute("PRAGMA synchronous=FULL; INSERT INTO row VALUES (3)")
    }
    #expect(try database.column("SELECT contents FROM row WHERE contents = 2") == ["2"])
    #expect(try database.column("PRAGMA integrity_check") == ["ok"])
  }

  @Test("a planned fault waits for the operations before it")
  func skipped() throws {
    let folder = try TemporaryFolder()
    let database = try open(folder, "PRAGMA journal_mode=DELETE")
    let before = disk.changeCount
    try database.execute("INSERT INTO row VALUES (1)")
    let changes = disk.changeCount - before
    var failures = 0
    for skipped in 0..<changes {
      disk.failNext(.write, after: skipped, code: SQLITE_FULL)
      do { try database.execute("INSERT INTO row VALUES (2)") } catch { failures += 1 }
      disk.failNext(.write, count: 0)
      #expect(try database.column("PRAGMA integrity_check") == ["ok"])
    }
    #expect(failures > 1 && failures < changes)
  }

  @Test("opening, reading, truncating and deleting can fail")
  func otherOperations() throws {
    let folder = try TemporaryFolder()
    disk.failNext(.open)
    #expect(throws: SQLFailure(code: SQLITE_CANTOPEN)) {
      try Database(path: folder.path("a.db"), vfs: disk).execute("SELECT 1 FROM sqlite_schema")
    }
    let database = try open(folder, "PRAGMA journal_mode=TRUNCATE")
    disk.failNext(.truncate)
    #expect(throws: SQLFailure(code: SQLITE_IOERR | 6 << 8)) { try database.execute("INSERT INTO row VALUES (1)") }
    try database.execute("PRAGMA journal_mode=DELETE")
    disk.failNext(.delete)
    #expect(throws: SQLFailure(code: SQLITE_IOERR | 10 << 8)) { try database.execute("INSERT INTO row VALUES (1)") }
    try database.execute("PRAGMA cache_size=0")
    disk.failNext(.read)
    #expect(throws: SQLFailure(code: SQLITE_IOERR | 1 << 8)) { _ = try database.column("SELECT * FROM row") }
    #expect(try database.column("PRAGMA integrity_check") == ["ok"])
  }

  @Test("a full disk refuses growth until there is space again", arguments: ["WAL", "DELETE"])
  func space(journal: String) throws {
    let folder = try TemporaryFolder()
    let database = try open(folder, "PRAGMA journal_mode=\(journal)")
    disk.limitSpace(to: 100_000)
    var rows = 0
    #expect(throws: SQLFailure(code: SQLITE_FULL)) {
      while true {
        try database.execute("INSERT INTO row VALUES (zeroblob(5000))")
        rows += 1
      }
    }
    #expect(rows > 0)
    #expect(try database.column("SELECT count(*) FROM row") == ["\(rows)"])
    #expect(try database.column("PRAGMA integrity_check") == ["ok"])
    disk.limitSpace(to: nil)
    try database.execute("INSERT INTO row VALUES (zeroblob(50000))")
    #expect(try database.column("SELECT count(*) FROM row") == ["\(rows + 1)"])
  }

  @Test("deleting and truncating files gives their space back")
  func spaceReturns() throws {
    let folder = try TemporaryFolder()
    let database = try open(folder, "PRAGMA journal_mode=DELETE")
    disk.limitSpace(to: 200_000)
    // Each round needs most of the space, for the database and for the journal that is deleted at its end.
    for _ in 0..<10 {
      try database.execute("INSERT INTO row VALUES (zeroblob(90000))")
      try database.execute("DELETE FROM row; VACUUM")
    }
    #expect(throws: SQLFailure(code: SQLITE_FULL)) { try database.execute("INSERT INTO row VALUES (zeroblob(300000))") }
  }

  @Test("two disks do not share their faults")
  func separate() throws {
    let folder = try TemporaryFolder()
    let other = FaultVFS()
    other.cutPower()
    try open(folder).execute("INSERT INTO row VALUES (1)")
    #expect(!disk.isPowerCut && other.isPowerCut)
  }
}
