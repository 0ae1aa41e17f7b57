import SQLite

/// Notes which services have spans of which names and kinds.
///
/// Every span asks, and nearly always nothing is new. So what is stored is known here as plain numbers in a table of fixed
/// size, found in one or two steps, and the row before is remembered.
struct OperationTable: ~Copyable {
  /// Combinations that are listed; senders that make up services beyond this have theirs left out.
  static let limit = 32 << 10

  private var known: Keys
  private var last: UInt64 = 0
  private var insert: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT OR IGNORE INTO operations VALUES(?1, ?2, ?3)")
    var all = try connection.prepare("SELECT service, name, kind FROM operations LIMIT \(Self.limit)")
    var known = Keys()
    try all.forEach { (row: borrowing Row) in
      _ = known.add(Self.key(row.int(at: 0), row.int(at: 1), Int32(truncatingIfNeeded: row.int(at: 2))))
    }
    self.insert = insert
    self.known = known
  }

  /// Notes a span.
  ///
  /// - Parameter name: A row in `names`, 0 for an empty name, -1 for one without a number.
  @inline(__always)
  mutating func note(service: Int64, name: Int64, kind: Int32) throws(SQLiteError) {
    let kind = kind >= 0 && kind <= 5 ? kind : 0
    let key = Self.key(service, name, kind)
    if key == last { return }
    last = key
    if known.add(key) { try store(service, name, kind) }
  }

  private mutating func store(_ service: Int64, _ name: Int64, _ kind: Int32) throws(SQLiteError) {
    try insert.bind(service, at: 1)
    try insert.bind(name, at: 2)
    try insert.bind(Int64(kind), at: 3)
    try insert.run()
  }

  /// Never 0: the name that follows -1 has a one.
  @inline(__always)
  private static func key(_ service: Int64, _ name: Int64, _ kind: Int32) -> UInt64 {
    UInt64(truncatingIfNeeded: service) << 32 | UInt64(truncatingIfNeeded: name + 2) << 3
      | UInt64(truncatingIfNeeded: kind)
  }
}

extension OperationTable {
  /// A set of numbers that are not 0, of a fixed size.
  private struct Keys {
    /// Twice as many places as keys, so that a search ends soon.
    private static let mask = 2 * OperationTable.limit - 1

    /// 0 where a place is free.
    private var places = [UInt64](repeating: 0, count: 2 * OperationTable.limit)
    private var count = 0

    /// - Returns: Whether the key is new and there is room for it.
    @inline(__always)
    mutating func add(_ key: UInt64) -> Bool {
      // Fibonacci hashing: https://en.wikipedia.org/wiki/Hash_function#Fibonacci_hashing
      var place = Int(truncatingIfNeeded: (key &* 0x9E37_79B9_7F4A_7C15) >> 40) & Self.mask
      while places[place] != 0 {
        if places[place] == key { return false }
        place = (place + 1) & Self.mask
      }
      guard count < OperationTable.limit else { return false }
      places[place] = key
      count += 1
      return true
    }
  }
}
