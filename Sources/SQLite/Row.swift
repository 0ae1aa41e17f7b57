import CSQLite

/// The current row of a statement: noncopyable and nonescapable, so it is valid only inside `step`.
@safe package struct Row: ~Copyable, ~Escapable {
  private let handle: OpaquePointer

  @_lifetime(immortal)
  init(_ handle: OpaquePointer) { unsafe self.handle = handle }

  package func int(at column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }

  /// The integer, or `nil` for NULL.
  package func optionalInt(at column: Int32) -> Int64? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_int64(handle, column)
  }

  /// Whether the value is an integer, in a column that may hold others.
  package func isInteger(at column: Int32) -> Bool { unsafe sqlite3_column_type(handle, column) == SQLITE_INTEGER }

  package func double(at column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

  /// The double, or `nil` for NULL.
  package func optionalDouble(at column: Int32) -> Double? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : sqlite3_column_double(handle, column)
  }

  /// The text, or `nil` for NULL.
  package func optionalString(at column: Int32) -> String? {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL ? nil : string(at: column)
  }

  package func string(at column: Int32) -> String {
    // The text call must come first: it may convert the value, which changes the byte count.
    guard let text = unsafe sqlite3_column_text(handle, column) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
  }

  /// The column's bytes, without a copy.
  ///
  /// The span lives as long as the row.
  @_lifetime(borrow self)
  package func bytes(at column: Int32) -> Span<UInt8> {
    let blob = unsafe sqlite3_column_blob(handle, column)?.assumingMemoryBound(to: UInt8.self)
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    let span = unsafe Span(_unsafeElements: UnsafeBufferPointer(start: blob, count: count))
    return unsafe _overrideLifetime(span, borrowing: self)
  }
}
