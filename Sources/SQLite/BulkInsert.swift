import CRowFeed
import CSQLite

/// Inserts many rows with one statement.
///
/// To run a statement costs about as much as to insert a narrow row, and to bind a value about as much as to store it. So
/// rows are collected here, and one statement takes them from a virtual table (`row_feed.h`).
///
/// A statement that fails may have ended the transaction that it is part of, and what the transaction has done is to be
/// given up: to take back one statement alone, SQLite would copy each page before the statement changes it.
@safe package struct BulkInsert: ~Copyable {
  /// Rows that one statement takes: few enough that they stay in the processor's cache.
  package static let capacity = 128

  private let feed: UnsafeMutablePointer<row_feed>
  private let columns: Int
  /// The values of the rows that wait, and how many there are.
  private var values = 0
  /// Their texts and blobs.
  private var bytes: [UInt8] = []
  private var statement: Statement

  /// Compiles the statement.
  ///
  /// - Parameters:
  ///   - table: The table; one statement of a connection may insert into it this way.
  ///   - names: The columns in parentheses; empty = all.
  ///   - columns: How many values a row has.
  ///   - tail: What follows the rows, such as `ON CONFLICT ...`.
  package init(
    _ connection: borrowing Connection, into table: String, _ names: String = "", columns: Int, _ tail: String = ""
  ) throws(SQLiteError) {
    let name = "\(table)_feed"
    guard let feed = unsafe row_feed_create(connection.handle, name, Int32(columns), Int32(Self.capacity)) else {
      throw SQLiteError(code: .outOfMemory, operation: "create", message: "there is no memory for \(name)")
    }
    // Without the condition, what follows could be meant for a join.
    let statement = try connection.prepare(
      "INSERT OR ROLLBACK INTO \(table)\(names) SELECT * FROM \(name) WHERE true \(tail)")
    unsafe self.feed = feed
    self.columns = columns
    self.statement = statement
  }

  /// Rows that wait.
  package var count: Int { values / columns }

  /// Whether the rows that wait have to be inserted before another is added.
  package var isFull: Bool { values == Self.capacity * columns }

  // MARK: The values of a row, in the order of the table's columns

  @inline(__always)
  package mutating func add(_ value: Int64) { add(value, ROW_FEED_INTEGER) }

  @inline(__always)
  package mutating func add(_ value: Int64?) {
    if let value { add(value, ROW_FEED_INTEGER) } else { addNull() }
  }

  @inline(__always)
  package mutating func addNull() { add(0, ROW_FEED_NULL) }

  /// Adds UTF-8 text, which is copied.
  package mutating func addText(_ text: Span<UInt8>) { add(text, ROW_FEED_TEXT) }

  /// Adds a blob, which is copied.
  package mutating func addBlob(_ blob: Span<UInt8>) { add(blob, ROW_FEED_BLOB) }

  private mutating func add(_ part: Span<UInt8>, _ kind: Int) {
    add(Int64(bytes.count) << 32 | Int64(part.count), kind)
    // Swift 6.3.1 would write the count of 0 into the storage that all empty arrays of the process share.
    if part.isEmpty { return }
    bytes.append(addingCapacity: part.count) { free in
      for index in part.indices { free.append(part[index]) }
    }
  }

  @inline(__always)
  private mutating func add(_ value: Int64, _ kind: Int) {
    precondition(values < Self.capacity * columns, "the rows that wait are inserted first")
    // The check above keeps both within what the feed has allocated.
    unsafe feed.pointee.values[values] = value
    unsafe feed.pointee.kinds[values] = UInt8(truncatingIfNeeded: kind)
    values += 1
  }

  /// Inserts the rows that wait.
  ///
  /// They are gone afterwards, also when the statement fails.
  package mutating func run() throws(SQLiteError) {
    precondition(values % columns == 0, "a row has a value for each column")
    let count = self.count
    guard count > 0 else { return }
    defer {
      values = 0
      bytes.removeAll(keepingCapacity: true)
    }
    unsafe feed.pointee.count = Int32(count)
    var failure: SQLiteError?
    // The statement looks at the bytes while it runs, and never afterwards.
    unsafe bytes.withUnsafeBufferPointer { buffer in
      unsafe feed.pointee.bytes = buffer.baseAddress
      do throws(SQLiteError) { try statement.run() } catch { failure = error }
      unsafe feed.pointee.bytes = nil
    }
    if let failure { throw failure }
  }
}
