import CSQLite

/// A compiled statement, finalized by its `deinit`.
@safe package struct Statement: ~Copyable {
  private let handle: OpaquePointer

  init(_ handle: OpaquePointer) { unsafe self.handle = handle }

  deinit { unsafe sqlite3_finalize(handle) }

  package mutating func bind(_ value: Int64, at index: Int32) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_int64(handle, index, value), "bind_int64")
  }

  /// Binds a double.
  ///
  /// SQLite turns one that is not a number into NULL.
  package mutating func bind(_ value: Double, at index: Int32) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_double(handle, index, value), "bind_double")
  }

  package mutating func bindNull(at index: Int32) throws(SQLiteError) {
    try check(unsafe sqlite3_bind_null(handle, index), "bind_null")
  }

  package mutating func bind(_ value: Int64?, at index: Int32) throws(SQLiteError) {
    if let value { try bind(value, at: index) } else { try bindNull(at: index) }
  }

  /// Binds text, which SQLite copies.
  package mutating func bind(_ value: borrowing String, at index: Int32) throws(SQLiteError) {
    // Not `utf8Span`: Swift 6.3.1 may end the life of a short text before its span is read.
    var value = copy value
    let code = value.withUTF8 { buffer in
      unsafe buffer.withMemoryRebound(to: CChar.self) { text in
        // A zero-length buffer may have no base address, and SQLite reads nil as NULL.
        unsafe csqlite_bind_text_transient(handle, index, text.baseAddress ?? emptyText, UInt64(text.count))
      }
    }
    try check(code, "bind_text64")
  }

  /// Binds a blob, which SQLite copies.
  package mutating func bind(_ value: Span<UInt8>, at index: Int32) throws(SQLiteError) {
    let code = unsafe value.withUnsafeBufferPointer { bytes in
      // SQLite reads a nil pointer as NULL, and an empty buffer may have no base address.
      guard let start = bytes.baseAddress else { return unsafe sqlite3_bind_zeroblob(handle, index, 0) }
      return unsafe csqlite_bind_blob_transient(handle, index, start, UInt64(bytes.count))
    }
    try check(code, "bind_blob64")
  }

  /// Binds a blob without a copy.
  ///
  /// The bytes must stay where they are until the statement was reset or another value is bound.
  @unsafe package mutating func bindBlobWithoutCopy(_ value: UnsafeBufferPointer<UInt8>, at index: Int32)
    throws(SQLiteError)
  {
    guard let start = value.baseAddress else {
      return try check(unsafe sqlite3_bind_zeroblob(handle, index, 0), "bind_zeroblob")
    }
    try check(unsafe csqlite_bind_blob_static(handle, index, start, UInt64(value.count)), "bind_blob64")
  }

  /// Steps once, and shows the row to `body`.
  ///
  /// - Returns: `nil` when the statement has no more rows.
  package mutating func step<Result>(_ body: (borrowing Row) throws(SQLiteError) -> Result) throws(SQLiteError)
    -> Result?
  {
    switch unsafe sqlite3_step(handle) {
    case SQLITE_ROW: return try body(unsafe Row(handle))
    case SQLITE_DONE: return nil
    case let code: throw unsafe SQLiteError(code, "step", database: sqlite3_db_handle(handle))
    }
  }

  /// Steps a statement that returns no rows, and makes it ready for the next binding.
  package mutating func run() throws(SQLiteError) {
    let code = unsafe sqlite3_step(handle)
    defer { reset() }
    guard code == SQLITE_DONE || code == SQLITE_ROW else {
      throw unsafe SQLiteError(code, "step", database: sqlite3_db_handle(handle))
    }
  }

  /// Steps an `INSERT` of one row that returns none, and makes it ready for the next binding.
  ///
  /// `RETURNING` tells the number as well, but collects what it returns in a table of its own.
  ///
  /// - Returns: The row's number.
  package mutating func insert() throws(SQLiteError) -> Int64 {
    try run()
    return unsafe sqlite3_last_insert_rowid(sqlite3_db_handle(handle))
  }

  /// Steps a statement that returns at most one row, shows it to `body`, and makes the statement ready again.
  package mutating func first<Result>(_ body: (borrowing Row) throws(SQLiteError) -> Result) throws(SQLiteError)
    -> Result?
  {
    defer { reset() }
    return try step(body)
  }

  /// Shows every row to `body`, and makes the statement ready again.
  package mutating func forEach(_ body: (borrowing Row) throws(SQLiteError) -> Void) throws(SQLiteError) {
    defer { reset() }
    while try step(body) != nil {}
  }

  package mutating func reset() {
    // The result repeats the error of the last step, which the caller has already seen.
    unsafe sqlite3_reset(handle)
  }

  private func check(_ code: Int32, _ operation: String) throws(SQLiteError) {
    guard code == SQLITE_OK else {
      throw unsafe SQLiteError(code, operation, database: sqlite3_db_handle(handle))
    }
  }
}

nonisolated(unsafe) private let emptyText: UnsafePointer<CChar> = {
  let text = UnsafeMutablePointer<CChar>.allocate(capacity: 1)
  unsafe text.initialize(to: 0)
  return unsafe UnsafePointer(text)
}()
