import SQLite

/// Gives frequent span names a number, so that a row of the index need not repeat them.
///
/// Agents use few names, a thousand times each. The first few thousand names that a store sees get a number; whatever
/// comes later, for example from a sender that puts an id into every name, stays as text in its row. So the table is
/// bounded, and no sender can make it grow.
struct NameTable: ~Copyable {
  /// Names that get a number.
  private static let capacity = 4096
  /// Four times as many places, so that a search mostly ends at the first.
  private static let slotCount = capacity * 4

  /// Where the bytes of each known name lie in `pool`, and its number.
  private var entries: [(bytes: Range<Int>, row: Int64)] = []
  private var pool: [UInt8] = []
  /// Index of an entry plus one, by hash; 0 = free.
  private var slots = [UInt16](repeating: 0, count: slotCount)
  /// Chosen anew each time, so that nobody can send names that all meet in one place.
  private let seed = UInt64.random(in: .min ... .max)
  private var insert: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT INTO names(name) VALUES(?1) RETURNING id")
    var all = try connection.prepare("SELECT name, id FROM names ORDER BY id")
    var known: [(String, Int64)] = []
    try all.forEach { (row: borrowing Row) in known.append((row.string(at: 0), row.int(at: 1))) }
    self.insert = insert
    for (name, row) in known {
      let bytes = Array(name.utf8)
      add(bytes.span, 0..<bytes.count, row, at: slot(of: bytes.span, 0..<bytes.count))
    }
  }

  /// The number of a name, or `nil` when it is to be stored as text.
  mutating func row(of bytes: Span<UInt8>, _ name: Range<Int>) throws(SQLiteError) -> Int64? {
    let slot = slot(of: bytes, name)
    if slots[slot] != 0 { return entries[Int(slots[slot]) - 1].row }
    guard entries.count < Self.capacity, !name.isEmpty else { return nil }
    try insert.bind(unsafe bytes.extracting(name).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }, at: 1)
    guard let row = try insert.first({ (row: borrowing Row) in row.int(at: 0) }) else { return nil }
    add(bytes, name, row, at: slot)
    return row
  }

  private mutating func add(_ bytes: Span<UInt8>, _ name: Range<Int>, _ row: Int64, at slot: Int) {
    let start = pool.count
    for index in name { pool.append(bytes[index]) }
    entries.append((start..<pool.count, row))
    slots[slot] = UInt16(entries.count)
  }

  /// The place of a name: that of its entry, or the free one where it belongs.
  private func slot(of bytes: Span<UInt8>, _ name: Range<Int>) -> Int {
    var slot = Int(truncatingIfNeeded: hash(bytes, name)) & (Self.slotCount - 1)
    while slots[slot] != 0, !isEqual(entries[Int(slots[slot]) - 1].bytes, bytes, name) {
      slot = (slot + 1) & (Self.slotCount - 1)
    }
    return slot
  }

  private func isEqual(_ known: Range<Int>, _ bytes: Span<UInt8>, _ name: Range<Int>) -> Bool {
    guard known.count == name.count else { return false }
    for index in 0..<name.count where pool[known.lowerBound + index] != bytes[name.lowerBound + index] { return false }
    return true
  }

  private func hash(_ bytes: Span<UInt8>, _ name: Range<Int>) -> UInt64 {
    var hash = seed
    for index in name { hash = (hash ^ UInt64(bytes[index])) &* 0x100_0000_01B3 }
    return hash ^ hash >> 32
  }
}
