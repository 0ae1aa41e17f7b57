/// Inserts many rows with few statements.
///
/// To run a statement costs about as much as to insert a narrow row, so sixteen rows share one where there are as many, and
/// four of what is left.
package struct BulkInsert: ~Copyable {
  private static let many = 16
  private static let few = 4

  private var insertMany: Statement
  private var insertFew: Statement
  private var insertOne: Statement
  private let columns: Int

  /// Compiles the statements.
  ///
  /// - Parameters:
  ///   - head: `INSERT INTO table(columns)`, or with a conflict clause in front.
  ///   - columns: How many values a row has.
  ///   - tail: What follows the rows, such as `ON CONFLICT ...`.
  package init(_ connection: borrowing Connection, _ head: String, columns: Int, tail: String = "") throws(SQLiteError)
  {
    let insertMany = try Self.prepare(connection, head, columns: columns, rows: Self.many, tail)
    let insertFew = try Self.prepare(connection, head, columns: columns, rows: Self.few, tail)
    let insertOne = try Self.prepare(connection, head, columns: columns, rows: 1, tail)
    self.insertMany = insertMany
    self.insertFew = insertFew
    self.insertOne = insertOne
    self.columns = columns
  }

  private static func prepare(
    _ connection: borrowing Connection, _ head: String, columns: Int, rows: Int, _ tail: String
  ) throws(SQLiteError) -> Statement {
    let row = "(" + Array(repeating: "?", count: columns).joined(separator: ", ") + ")"
    let values = Array(repeating: row, count: rows).joined(separator: ", ")
    return try connection.prepare("\(head) VALUES \(values) \(tail)")
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
    while next < count {
      let left = count - next
      if left >= Self.many {
        try Self.insert(Self.many, from: next, columns, &insertMany, bind)
        next += Self.many
      } else if left >= Self.few {
        try Self.insert(Self.few, from: next, columns, &insertFew, bind)
        next += Self.few
      } else {
        try Self.insert(1, from: next, columns, &insertOne, bind)
        next += 1
      }
    }
  }

  private static func insert(
    _ count: Int, from first: Int, _ columns: Int, _ statement: inout Statement,
    _ bind: (inout Statement, Int, Int32) throws(SQLiteError) -> Void
  ) throws(SQLiteError) {
    for row in 0..<count { try bind(&statement, first + row, Int32(row * columns + 1)) }
    try statement.run()
  }
}
