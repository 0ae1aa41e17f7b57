/// A value as SQLite keeps it.
package enum SQLValue: Hashable, Sendable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)

  package init(_ value: Int64?) { self = value.map { .integer($0) } ?? .null }

  package init(_ value: Double?) { self = value.map { .real($0) } ?? .null }

  package init(_ value: String?) { self = value.map { .text($0) } ?? .null }
}

extension Statement {
  /// Binds values to the parameters from the first on.
  ///
  /// For statements that run once a request; those that run once a span bind each value by itself.
  package mutating func bind(_ values: [SQLValue]) throws(SQLiteError) {
    for (offset, value) in values.enumerated() {
      let index = Int32(offset + 1)
      switch value {
      case .null: try bindNull(at: index)
      case .integer(let value): try bind(value, at: index)
      case .real(let value): try bind(value, at: index)
      case .text(let value): try bind(value, at: index)
      }
    }
  }

  /// Binds values, steps once, and makes the statement ready for the next binding.
  package mutating func run(_ values: SQLValue...) throws(SQLiteError) {
    try bind(values)
    try run()
  }
}
