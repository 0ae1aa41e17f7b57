/// Inserts many rows with few statements.
///
/// To run a statement costs about as much as to insert a narrow row, so sixteen rows share one where there are as many.
package struct BulkInsert: ~Copyable {
  private static let rowsAtOnce = 16

  private var many: Statement
  private var one: Statement
  private let columns: Int

  /// Compiles the statements.
  ///
  /// - Parameters:
  ///   - head: `INSERT INTO table(columns)`, or with a conflict clause in front.
  ///   - columns: How many values a row has.
  ///   - tail: What follows the rows, such as `ON CONFLICT ...`.
  package init(_ connection: borrowing Connection, _ head: String, columns: Int, tail: String = "") throws(SQLiteError)
  {
    let row = "(" + Array(repeating: "?", count: columns).joined(separator: ", ") + ")"
    let rows = Array(repeating: row, count: Self.rowsAtOnce).joined(separator: ", ")
    let many = try connection.prepare("\(head) VALUES \(rows) \(tail)")
    let one = try connection.prepare("\(head) VALUES \(row) \(tail)")
    self.many = many
    self.one = one
    self.columns = columns
  }

  /// Inserts rows.
  ///
  /// - Parameters:
  ///   - count: How many.
  ///   - bind: Binds the values of one row: the statement, the number of the row, the index of its first value.
  package mutating func insert(
    _ count: Int, _ bind: (inout Statement, Int, Int32) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    var next = 0
    while count - next >= Self.rowsAtOnce {
      for row in 0..<Self.rowsAtOnce { try bind(&many, next + row, Int32(row * columns + 1)) }
      try many.run()
      next += Self.rowsAtOnce
    }
    while next < count {
      try bind(&one, next, 1)
      try one.run()
      next += 1
    }
  }
}
