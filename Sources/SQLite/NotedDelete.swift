import CRowNotes
import CSQLite

/// Deletes rows and tells integers of each, in one pass over them (`row_notes.h`).
@safe package struct NotedDelete: ~Copyable {
  private let notes: UnsafeMutablePointer<row_notes>
  private var statement: Statement

  /// Compiles the statement.
  ///
  /// - Parameters:
  ///   - table: The table; one such statement of a connection with as many columns may delete from it.
  ///   - range: By which rows are found.
  ///   - condition: What else they must be.
  ///   - columns: What is noted.
  package init(
    _ connection: borrowing Connection, from table: String, in range: String, where condition: String,
    noting columns: [String]
  ) throws(SQLiteError) {
    let name = "note_\(table)"
    guard let notes = unsafe row_notes_create(connection.handle, name, Int32(columns.count)) else {
      throw SQLiteError(code: .outOfMemory, operation: "create", message: "there is no memory for \(name)")
    }
    // The terms of AND may be evaluated in any order; those of CASE may not.
    let statement = try connection.prepare(
      """
      DELETE FROM \(table)
      WHERE \(range) AND CASE WHEN \(condition) THEN \(name)(\(columns.joined(separator: ", "))) ELSE 0 END
      """)
    unsafe self.notes = notes
    self.statement = statement
  }

  package mutating func bind(_ value: Int64, at index: Int32) throws(SQLiteError) {
    try statement.bind(value, at: index)
  }

  /// Deletes the rows, and shows what is noted of each to `body`.
  ///
  /// - Parameters:
  ///   - limit: How many rows at most; others are looked at all the same.
  ///   - body: Is given as many values as there are columns.
  /// - Returns: Whether there are more.
  package mutating func run(limit: Int, _ body: (Span<Int64>) -> Void) throws(SQLiteError) -> Bool {
    unsafe notes.pointee.count = 0
    unsafe notes.pointee.limit = Int64(limit)
    unsafe notes.pointee.is_full = 0
    try statement.run()
    let columns = unsafe Int(notes.pointee.columns)
    let count = unsafe Int(notes.pointee.count)
    guard count > 0, let values = unsafe notes.pointee.values else { return unsafe notes.pointee.is_full != 0 }
    let all = unsafe Span(_unsafeStart: values, count: count * columns)
    for start in stride(from: 0, to: all.count, by: columns) { body(all.extracting(start..<start + columns)) }
    return unsafe notes.pointee.is_full != 0
  }
}
