import Compression
import SQLite
import Telemetry

/// Decompressed segments of one connection, those that were loaded last.
struct SegmentCache: ~Copyable {
  private let capacity: Int
  private var size = 0
  private var segments: [Int64: [UInt8]] = [:]
  /// In the order in which they were loaded.
  private var order: [Int64] = []
  private var select: Statement
  private var selectParts: Statement
  private let decompressor: SegmentDecompressor

  /// - Parameter capacity: Bytes of segments that are kept; the one that was read last always is.
  init(_ connection: borrowing Connection, capacity: Int) throws {
    self.capacity = capacity
    let select = try connection.prepare("SELECT raw_size, codec, payload FROM segments WHERE id = ?1")
    let selectParts = try connection.prepare("SELECT bytes FROM segment_parts WHERE segment = ?1 ORDER BY offset")
    let decompressor = try SegmentDecompressor()
    self.select = select
    self.selectParts = selectParts
    self.decompressor = decompressor
  }

  /// The bytes of a segment.
  ///
  /// - Parameter offset: Where the caller wants to read. The newest segment grows: what is remembered of it may end
  ///   before.
  /// - Returns: `nil` when it does not exist.
  /// - Throws: `SQLiteError` with the code `corrupt` when the payload is damaged.
  mutating func bytes(of segment: Int64, reaching offset: Int) throws(SQLiteError) -> [UInt8]? {
    if let known = segments[segment] {
      if offset < known.count { return known }
      size -= known.count
      segments[segment] = nil
      order.removeAll { $0 == segment }
    }
    var loaded = try load(segment)
    if loaded == nil { loaded = try loadParts(of: segment) }
    guard let bytes = loaded else { return nil }
    segments[segment] = bytes
    order.append(segment)
    size += bytes.count
    while size > capacity, order.count > 1 {
      size -= segments.removeValue(forKey: order.removeFirst())?.count ?? 0
    }
    return bytes
  }

  /// The bytes of a segment as it is now, for whoever looks into many of them once.
  mutating func loadWithoutKeeping(_ segment: Int64) throws(SQLiteError) -> [UInt8]? {
    if let bytes = try load(segment) { return bytes }
    return try loadParts(of: segment)
  }

  private mutating func load(_ segment: Int64) throws(SQLiteError) -> [UInt8]? {
    try select.bind(segment, at: 1)
    let decompressor = decompressor
    return try select.first { (row: borrowing Row) throws(SQLiteError) in
      let payload = row.bytes(at: 2)
      var bytes: [UInt8] = []
      if row.int(at: 1) == 0 {
        bytes.append(copying: payload)
        return bytes
      }
      do {
        try decompressor.decompress(payload, expectedSize: Int(row.int(at: 0)), into: &bytes)
      } catch {
        throw SQLiteError(code: .corrupt, operation: "decompress", message: "segment \(segment) is damaged: \(error)")
      }
      return bytes
    }
  }

  /// The bytes of the segment that is still open, as far as the snapshot has them.
  private mutating func loadParts(of segment: Int64) throws(SQLiteError) -> [UInt8]? {
    try selectParts.bind(segment, at: 1)
    var bytes: [UInt8] = []
    try selectParts.forEach { (row: borrowing Row) in bytes.append(copying: row.bytes(at: 0)) }
    return bytes.isEmpty ? nil : bytes
  }
}

extension Array<UInt8> {
  /// Appends borrowed bytes.
  mutating func append(copying bytes: Span<UInt8>) {
    unsafe bytes.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
  }
}
