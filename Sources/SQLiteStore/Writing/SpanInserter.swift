import SQLite
import Telemetry

/// Writes rows of the index.
struct SpanInserter: ~Copyable {
  /// Bytes of a name that the index keeps; the whole name is in the log.
  static let maximumNameLength = 256
  /// A name of at least this length may have been cut: up to three bytes of a character fall away.
  static let shortestCutName = maximumNameLength - 3

  /// The parts of a row that the batch does not know.
  struct Placement {
    var trace: Int64
    var variant: Int64 = 0
    var arrival: Int64
    var rows: TagResolver.Rows
    var sequence: Int64?
    var rule: TagRule
    var service: Int64
    var segment: Int64
    /// What to add to the offsets of the facts.
    var start: Int
  }

  private var insert: Statement
  private var names: NameTable

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    // 18 columns in the order of the table.
    let insert = try connection.prepare(
      """
      INSERT INTO spans VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
      ON CONFLICT DO NOTHING
      """)
    let names = try NameTable(connection)
    self.insert = insert
    self.names = names
  }

  /// Inserts a row.
  ///
  /// - Parameter bytes: The bytes that the offsets of `facts` point into.
  /// - Returns: Whether the key was free.
  mutating func insert(
    _ facts: SpanFacts, _ placement: Placement, _ bytes: Span<UInt8>, _ connection: borrowing Connection
  ) throws(SQLiteError) -> Bool {
    try insert.bind(placement.trace, at: 1)
    try insert.bind(Int64(bitPattern: facts.spanID.value), at: 2)
    try insert.bind(placement.variant, at: 3)
    try insert.bind(placement.arrival, at: 4)
    if facts.parentID.isValid {
      try insert.bind(Int64(bitPattern: facts.parentID.value), at: 5)
    } else {
      try insert.bindNull(at: 5)
    }
    try insert.bind(placement.rows.attempt, at: 6)
    try insert.bind(placement.sequence, at: 7)
    try insert.bind(Int64(placement.rule.rawValue), at: 8)
    try insert.bind(placement.service, at: 10)
    try insert.bind(Int64(facts.kind), at: 11)
    try insert.bind(Int64(facts.statusCode), at: 12)
    try insert.bind(Int64(bitPattern: facts.startTime), at: 13)
    try insert.bind(Int64(bitPattern: facts.endTime &- facts.startTime), at: 14)
    try insert.bind(facts.inputTokens >= 0 ? facts.inputTokens : nil, at: 15)
    try insert.bind(facts.outputTokens >= 0 ? facts.outputTokens : nil, at: 16)
    try insert.bind(placement.segment, at: 17)
    try insert.bind(Int64(placement.start + Int(facts.offset)), at: 18)
    try insertNamed(facts, bytes)
    return connection.changes == 1
  }

  /// Binds the name, which may be lent, and inserts.
  private mutating func insertNamed(_ facts: SpanFacts, _ bytes: Span<UInt8>) throws(SQLiteError) {
    let start = Int(facts.nameOffset)
    let length = Self.nameLength(bytes, start, Int(facts.nameLength))
    if let row = try names.row(of: bytes, start..<start + length) {
      try insert.bind(row, at: 9)
      return try insert.run()
    }
    // `run` resets the statement, so the name is needed no longer than this call.
    do {
      try unsafe bytes.extracting(start..<start + length).withUnsafeBufferPointer { name in
        try unsafe insert.bindTextWithoutCopy(name, at: 9)
        try insert.run()
      }
    } catch {
      throw error as! SQLiteError
    }
  }

  /// How much of a name is kept: at most the limit, and never half a character.
  private static func nameLength(_ bytes: Span<UInt8>, _ start: Int, _ length: Int) -> Int {
    guard length > maximumNameLength else { return length }
    var end = maximumNameLength
    while end > 0, bytes[start + end] & 0xC0 == 0x80 { end -= 1 }
    return end
  }
}
