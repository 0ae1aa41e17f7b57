import CSQLite
import FaultVFS
import Foundation

/// A failed SQLite call in a test.
struct SQLFailure: Error, Hashable {
  /// The extended result code.
  var code: Int32
}

/// As little SQLite as the tests need, without the product's wrapper: the VFS is tested against the library itself.
@safe struct Database: ~Copyable {
  private let handle: OpaquePointer

  init(path: String, vfs: FaultVFS) throws(SQLFailure) {
    var opened: OpaquePointer?
    let code = unsafe sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs.name)
    guard code == SQLITE_OK, let database = unsafe opened else {
      unsafe sqlite3_close(opened)
      throw SQLFailure(code: code)
    }
    unsafe sqlite3_extended_result_codes(database, 1)
    unsafe self.handle = database
  }

  deinit { unsafe sqlite3_close(handle) }

  func execute(_ sql: String) throws(SQLFailure) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw SQLFailure(code: code) }
  }

  /// The first column of all rows, as text.
  func column(_ sql: String) throws(SQLFailure) -> [String] {
    var statement: OpaquePointer?
    defer { unsafe sqlite3_finalize(statement) }
    var code = unsafe sqlite3_prepare_v2(handle, sql, -1, &statement, nil)
    var rows: [String] = []
    guard code == SQLITE_OK else { throw SQLFailure(code: code) }
    while true {
      code = unsafe sqlite3_step(statement)
      guard code == SQLITE_ROW else { break }
      unsafe rows.append(sqlite3_column_text(statement, 0).map { unsafe String(cString: $0) } ?? "NULL")
    }
    guard code == SQLITE_DONE else { throw SQLFailure(code: code) }
    return rows
  }
}

/// A folder that is gone at the end of the test.
struct TemporaryFolder: ~Copyable {
  let url: URL

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "fault-vfs-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  func path(_ name: String) -> String { url.appending(path: name).path }
}
