import CSQLite

/// A failed SQLite call: the extended result code, the call, and SQLite's message.
package struct SQLiteError: Error, Hashable, Sendable, CustomStringConvertible {
  /// An extended [SQLite result code](https://www.sqlite.org/rescode.html).
  ///
  /// As a pattern, a primary code matches all of its extensions.
  package struct Code: RawRepresentable, Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }

    package var primary: Code { Code(rawValue: rawValue & 0xFF) }

    package static func ~= (pattern: Code, code: Code) -> Bool {
      pattern == code || pattern == code.primary
    }

    package static let busy = Code(rawValue: SQLITE_BUSY)
    package static let locked = Code(rawValue: SQLITE_LOCKED)
    package static let outOfMemory = Code(rawValue: SQLITE_NOMEM)
    package static let interrupted = Code(rawValue: SQLITE_INTERRUPT)
    package static let constraint = Code(rawValue: SQLITE_CONSTRAINT)
    package static let full = Code(rawValue: SQLITE_FULL)
    package static let readOnly = Code(rawValue: SQLITE_READONLY)
    package static let inputOutput = Code(rawValue: SQLITE_IOERR)
    package static let corrupt = Code(rawValue: SQLITE_CORRUPT)
    package static let notADatabase = Code(rawValue: SQLITE_NOTADB)
    package static let cannotOpen = Code(rawValue: SQLITE_CANTOPEN)
    package static let permission = Code(rawValue: SQLITE_PERM)
    package static let tooBig = Code(rawValue: SQLITE_TOOBIG)
  }

  package let code: Code
  package let operation: String
  package let message: String

  package var description: String { "sqlite \(operation) failed (\(code.rawValue)): \(message)" }

  package init(code: Code, operation: String, message: String) {
    self.code = code
    self.operation = operation
    self.message = message
  }

  init(_ code: Int32, _ operation: String, database: OpaquePointer?) {
    self.code = Code(rawValue: code)
    self.operation = operation
    if let database = unsafe database, let text = unsafe sqlite3_errmsg(database) {
      self.message = unsafe String(cString: text)
    } else {
      self.message = unsafe String(cString: sqlite3_errstr(code))
    }
  }
}
