import SQLite
import Telemetry

/// Gives service names their rows.
struct ServiceNames: ~Copyable {
  /// Distinct names that get a row; senders that make up names beyond this are stored without.
  static let limit = 10_000

  private var rows: [ExactText: Int64] = [:]
  private var insert: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT INTO services(name) VALUES(?1) RETURNING id")
    var all = try connection.prepare("SELECT name, id FROM services")
    var known: [ExactText: Int64] = [:]
    try all.forEach { (row: borrowing Row) in known[ExactText(row.string(at: 0))] = row.int(at: 1) }
    rows = known
    self.insert = insert
  }

  /// The row of a name, made when it is new; 0 for none.
  mutating func row(of name: String?) throws(SQLiteError) -> Int64 {
    guard let name else { return 0 }
    if let row = rows[ExactText(name)] { return row }
    guard rows.count < Self.limit else { return 0 }
    try insert.bind(name, at: 1)
    let row = try insert.first { (row: borrowing Row) in row.int(at: 0) } ?? 0
    rows[ExactText(name)] = row
    return row
  }
}
