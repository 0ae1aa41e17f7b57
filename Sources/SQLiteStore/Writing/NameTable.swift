import SQLite
import Telemetry

/// Gives frequent span names a number, so that a row of the index need not repeat them.
///
/// Agents use few names, a thousand times each. The first few thousand names that a store sees get a number; whatever
/// comes later, for example from a sender that puts an id into every name, stays as text in its row. So the table is
/// bounded, and no sender can make it grow.
struct NameTable: ~Copyable {
  /// Names that get a number.
  static let capacity = 4096

  private var rows: [NameKey: Int64] = [:]
  private var insert: Statement
  /// Which services use the names.
  private var operations: OperationTable

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let operations = try OperationTable(connection)
    let insert = try connection.prepare("INSERT INTO names(name) VALUES(?1) RETURNING id")
    var all = try connection.prepare("SELECT name, id FROM names")
    var known: [NameKey: Int64] = [:]
    try all.forEach { (row: borrowing Row) in
      let name = Array(row.string(at: 0).utf8)
      known[NameKey(name.span, 0..<name.count)] = row.int(at: 1)
    }
    self.insert = insert
    self.operations = operations
    rows = known
  }

  /// The number of the name of a span, which is noted as an operation of its service.
  mutating func row(
    of span: SpanFacts, service: Int64, _ bytes: Span<UInt8>, _ name: Range<Int>
  ) throws(SQLiteError) -> Int64? {
    let row = try row(of: span.nameKey, bytes, name)
    try operations.note(service: service, name: row ?? (name.isEmpty ? 0 : -1), kind: span.kind)
    return row
  }

  /// The number of a name, or `nil` when it is to be stored as text.
  ///
  /// - Parameters:
  ///   - key: The name's key.
  ///   - bytes: Looked at only when the name is new.
  private mutating func row(of key: NameKey, _ bytes: Span<UInt8>, _ name: Range<Int>) throws(SQLiteError) -> Int64? {
    if let row = rows[key] { return row }
    guard rows.count < Self.capacity, !name.isEmpty else { return nil }
    let text = unsafe bytes.extracting(name).withUnsafeBufferPointer { unsafe String(decoding: $0, as: UTF8.self) }
    try insert.bind(text, at: 1)
    let row = try insert.first { (row: borrowing Row) in row.int(at: 0) }
    rows[key] = row
    return row
  }
}
