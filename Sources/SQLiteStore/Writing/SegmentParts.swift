import SQLite

/// The parts of the open segment: a row for what each transaction has added to it, as it came.
///
/// Single spans hardly compress alone, and to compress the open segment anew with each of them cost more than everything
/// else that was done for them. So its bytes are appended here, and become a row of the log when there are enough.
struct SegmentParts: ~Copyable {
  private var insert: Statement
  private var clear: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT INTO segment_parts VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    let clear = try connection.prepare("DELETE FROM segment_parts")
    self.insert = insert
    self.clear = clear
  }

  /// Reads the segment that is open, if there is one.
  static func load(_ connection: borrowing Connection) throws(SQLiteError) -> OpenSegment? {
    var select = try connection.prepare(
      "SELECT segment, received, first_arrival, last_arrival, spans, bytes FROM segment_parts ORDER BY offset")
    var open: OpenSegment?
    try select.forEach { (row: borrowing Row) in
      var segment = open ?? OpenSegment(id: row.int(at: 0), received: row.int(at: 1))
      if open == nil { segment.firstArrival = row.int(at: 2) }
      segment.lastArrival = row.int(at: 3)
      segment.spans += row.int(at: 4)
      segment.bytes.append(copying: row.bytes(at: 5))
      open = segment
    }
    open?.didWrite()
    return open
  }

  /// Adds what is new in a segment.
  mutating func append(_ segment: OpenSegment) throws(SQLiteError) {
    try insert.bind(Int64(segment.written.bytes), at: 1)
    try insert.bind(segment.id, at: 2)
    try insert.bind(segment.received, at: 3)
    try insert.bind(segment.firstUnwrittenArrival, at: 4)
    try insert.bind(segment.lastArrival, at: 5)
    try insert.bind(segment.spans - segment.written.spans, at: 6)
    try insert.bind(segment.bytes.span.extracting(segment.written.bytes...), at: 7)
    try insert.run()
  }

  /// Removes all parts: their segment is in the log.
  mutating func removeAll() throws(SQLiteError) { try clear.run() }
}
