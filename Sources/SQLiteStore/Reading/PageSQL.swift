import SQLite
import TraceStore

/// Builds the statements of a query that gives a page of rows: one counts what matches, one lists the rows wanted.
///
/// Rows are fetched one by one afterwards, so that what is sorted are keys and not documents.
struct PageSQL {
  private let table: String
  private var order: String
  private let matchesAny: Bool
  private let limit: Int?
  private let offset: Int
  private var required: [String] = []
  private var conditions: [String] = []
  private var requiredValues: [SQLValue] = []
  private var values: [SQLValue] = []

  /// - Parameter order: What is sorted by; `nil` = the order in which the rows were made.
  init<SortKey>(_ page: Page<SortKey>, from table: String, order: String?) {
    self.table = table
    self.order = order.map { "\($0) \(page.isDescending ? "DESC" : "ASC"), id" } ?? "id"
    matchesAny = page.matchesAny
    limit = page.limit
    offset = page.offset
  }

  /// A condition that holds in any case.
  mutating func require(_ sql: String, _ values: SQLValue...) {
    required.append(sql)
    requiredValues += values
  }

  /// A condition that holds in any case, and by which few rows are found through an index.
  ///
  /// Without a hint SQLite would rather walk all rows in their order than sort those few.
  mutating func requireFew(_ sql: String) {
    require(sql)
    if order == "id" { order = "+id" }
  }

  /// A column has one of the values; `nil` is no condition.
  mutating func condition(in list: [String]?, _ column: String) {
    guard let list else { return }
    // An array as JSON is one parameter, whatever its length. SQLite ends a text in it at a zero.
    let (plain, odd) = (list.filter { !$0.utf8.contains(0) }, list.filter { $0.utf8.contains(0) })
    var parts = ["\(column) IN (SELECT value FROM json_each(?))"]
    values.append(.text(Self.json(plain)))
    for text in odd.prefix(Self.mostOdd) {
      parts.append("\(column) = ?")
      values.append(.text(text))
    }
    conditions.append("(\(parts.joined(separator: " OR ")))")
  }

  /// Values with a zero in them that are looked for; no id has one unless its client has chosen it.
  private static let mostOdd = 100

  /// A text occurs in a column; `nil` is no condition.
  mutating func condition(contains text: String?, _ column: String) {
    guard let text else { return }
    conditions.append("instr(\(column), ?) > 0")
    values.append(.text(text))
  }

  /// Reads the page.
  ///
  /// - Parameter fetch: Gets a row by its id; `nil` leaves it out.
  func read<Item>(
    _ connection: borrowing Connection, _ fetch: (Int64) throws(SQLiteError) -> Item?
  ) throws(SQLiteError) -> PageOf<Item> {
    var count = try connection.prepare("SELECT count(*) FROM \(table) WHERE \(filter)")
    try count.bind(requiredValues + values)
    let total = Int(try count.first { (row: borrowing Row) in row.int(at: 0) } ?? 0)
    guard offset < total else { return PageOf(items: [], total: total) }
    var select = try connection.prepare("SELECT id FROM \(table) WHERE \(filter) ORDER BY \(order) LIMIT ? OFFSET ?")
    try select.bind(requiredValues + values + [.integer(Int64(limit ?? -1)), .integer(Int64(offset))])
    var rows: [Int64] = []
    try select.forEach { (row: borrowing Row) in rows.append(row.int(at: 0)) }
    var items: [Item] = []
    items.reserveCapacity(rows.count)
    for row in rows {
      if let item = try fetch(row) { items.append(item) }
    }
    return PageOf(items: items, total: total)
  }

  private var filter: String {
    var parts = required
    if !conditions.isEmpty { parts.append("(\(conditions.joined(separator: matchesAny ? " OR " : " AND ")))") }
    return parts.isEmpty ? "1" : parts.joined(separator: " AND ")
  }

  private static func json(_ list: [String]) -> String {
    var text = "["
    for value in list {
      if text.utf8.count > 1 { text += "," }
      text += "\""
      for scalar in value.unicodeScalars {
        switch scalar {
        case "\"", "\\": text += "\\\(scalar)"
        case "\u{0}"..."\u{1F}": text += "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))"
        default: text.unicodeScalars.append(scalar)
        }
      }
      text += "\""
    }
    return text + "]"
  }
}
