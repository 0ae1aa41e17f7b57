import CSQLite
import CWALBuffer

/// One SQLite connection, closed by its `deinit`.
///
/// The type is noncopyable, so two threads cannot hold the same connection: whoever owns the value is the only one who
/// can call into it. SQLite therefore runs without its own mutexes.
@safe package struct Connection: ~Copyable {
  /// How a database file is opened.
  package enum Access: Sendable {
    /// Reads and writes, and creates the file when it is missing.
    case create
    /// Reads and writes a file that exists.
    ///
    /// Readers of a WAL database need it too: they share the index file with the writer. `PRAGMA query_only` then
    /// keeps them from writing.
    case existing
    /// Reads a file that nobody changes, on media that cannot be written.
    ///
    /// SQLite then takes no locks and looks for no WAL
    /// ([immutable](https://www.sqlite.org/uri.html#uriimmutable)).
    case immutable
  }

  let handle: OpaquePointer
  private let deadline: Deadline
  private let wal: WALSize

  /// Opens a database.
  ///
  /// - Parameters:
  ///   - path: A file name.
  ///   - vfs: The name of a registered VFS; `nil` is the default one. Tests inject faults through it.
  ///   - collectsFrames: Whether the WAL is written a transaction at a time, for a connection that writes often.
  ///   - interruption: What also ends statements, while there is a deadline.
  package init(
    path: String, access: Access = .create, vfs: String? = nil, collectsFrames: Bool = false,
    interruption: Interruption? = nil
  ) throws(SQLiteError) {
    Self.configure
    // Without memory for it the connection works all the same.
    let vfs = collectsFrames ? (unsafe wal_buffer_vfs(vfs).map { unsafe String(cString: $0) } ?? vfs) : vfs
    // A noncopyable type with a deinit cannot throw once its fields are set, so all that can fail comes first.
    let handle = try unsafe Self.open(path, access, vfs)
    unsafe self.handle = handle
    self.deadline = Deadline(interruption)
    self.wal = WALSize()
    unsafe sqlite3_extended_result_codes(handle, 1)
    _ = unsafe csqlite_db_config_defensive(handle, 1)
  }

  deinit {
    // close_v2 tolerates statements that are finalized later.
    unsafe sqlite3_close_v2(handle)
  }

  /// Settings of the whole process, made once before the first connection.
  private static let configure: Void = {
    _ = csqlite_config_memory_status(0)
  }()

  private static func open(_ path: String, _ access: Access, _ vfs: String?) throws(SQLiteError) -> OpaquePointer {
    var opened: OpaquePointer?
    var flags = SQLITE_OPEN_NOMUTEX
    var path = path
    switch access {
    case .create: flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
    case .existing: flags |= SQLITE_OPEN_READWRITE
    case .immutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI
      path = immutableName(of: path)
    }
    let code =
      if let vfs { unsafe sqlite3_open_v2(path, &opened, flags, vfs) } else {
        unsafe sqlite3_open_v2(path, &opened, flags, nil)
      }
    guard code == SQLITE_OK, let database = unsafe opened else {
      // SQLite returns a handle even when the open fails, and the caller must close it.
      let error = unsafe SQLiteError(code, "open", database: opened)
      unsafe sqlite3_close_v2(opened)
      throw error
    }
    return unsafe database
  }

  /// The file as a URI that says that it does not change.
  private static func immutableName(of path: String) -> String {
    var name = "file:"
    for character in path.unicodeScalars {
      switch character {
      // What ends or escapes a path in a URI.
      case "%": name += "%25"
      case "?": name += "%3f"
      case "#": name += "%23"
      default: name.unicodeScalars.append(character)
      }
    }
    return name + "?immutable=1"
  }

  /// Runs statements that return no rows.
  package func execute(_ sql: String) throws(SQLiteError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw unsafe SQLiteError(code, "exec", database: handle) }
  }

  /// Compiles `sql`.
  ///
  /// Keep the statement and rebind it: compiling costs more than stepping.
  package func prepare(_ sql: String) throws(SQLiteError) -> Statement {
    var compiled: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &compiled, nil)
    guard code == SQLITE_OK, let statement = unsafe compiled else {
      throw unsafe SQLiteError(code, "prepare", database: handle)
    }
    return unsafe Statement(statement)
  }

  /// The integer in the first column of the first row, or `nil` when there is no row.
  package func integer(_ sql: String) throws(SQLiteError) -> Int64? {
    var statement = try prepare(sql)
    return try statement.step { (row: borrowing Row) in row.int(at: 0) }
  }

  /// The text in the first column of the first row, or `nil` when there is no row.
  package func text(_ sql: String) throws(SQLiteError) -> String? {
    var statement = try prepare(sql)
    return try statement.step { (row: borrowing Row) in row.string(at: 0) }
  }

  /// Rows that the last `INSERT`, `UPDATE` or `DELETE` changed.
  package var changes: Int { Int(unsafe sqlite3_changes(handle)) }

  /// Whether a transaction is open.
  package var isInTransaction: Bool { unsafe sqlite3_get_autocommit(handle) == 0 }

  /// How long a call waits for a lock that another connection holds, in milliseconds.
  package func setBusyTimeout(milliseconds: Int32) { unsafe sqlite3_busy_timeout(handle, milliseconds) }

  /// Ends every statement that runs past `deadline`, or is interrupted before, with `interrupted`.
  ///
  /// - Parameter deadline: `nil` takes the limit away.
  package func setDeadline(_ deadline: ContinuousClock.Instant?) {
    self.deadline.instant = deadline
    guard deadline != nil else {
      unsafe sqlite3_progress_handler(handle, 0, nil, nil)
      return
    }
    // The connection keeps the deadline object alive, and with it the pointer.
    unsafe sqlite3_progress_handler(handle, 10_000, isPastDeadline, Unmanaged.passUnretained(self.deadline).toOpaque())
  }

  /// What a checkpoint did.
  package struct CheckpointResult: Sendable {
    /// Frames in the WAL.
    package let frames: Int
    /// Frames of these that are in the database file now.
    package let checkpointed: Int
  }

  /// How far a checkpoint goes.
  package enum CheckpointMode: Sendable {
    /// Copies what it can without waiting for anybody.
    case passive
    /// Copies everything and makes the WAL empty.
    case truncate

    var rawValue: Int32 {
      switch self {
      case .passive: SQLITE_CHECKPOINT_PASSIVE
      case .truncate: SQLITE_CHECKPOINT_TRUNCATE
      }
    }
  }

  /// Copies pages from the WAL into the database file.
  @discardableResult
  package func checkpoint(_ mode: CheckpointMode) throws(SQLiteError) -> CheckpointResult {
    var frames: Int32 = 0
    var checkpointed: Int32 = 0
    let code = unsafe sqlite3_wal_checkpoint_v2(handle, nil, mode.rawValue, &frames, &checkpointed)
    guard code == SQLITE_OK else { throw unsafe SQLiteError(code, "checkpoint", database: handle) }
    return CheckpointResult(frames: Int(frames), checkpointed: Int(checkpointed))
  }

  /// Leaves the WAL as it is when this connection is the last to close.
  package func keepWALOnClose() { _ = unsafe csqlite_db_config_no_checkpoint_on_close(handle, 1) }

  /// Starts to note how large the WAL is after each commit of this connection.
  ///
  /// SQLite's own automatic checkpoints end.
  package func watchWAL() {
    // The connection keeps the object alive, and with it the pointer.
    unsafe sqlite3_wal_hook(handle, didCommit, Unmanaged.passUnretained(wal).toOpaque())
  }

  /// Bytes of pages in the WAL after the last commit of this connection; 0 unless it is watched.
  package var walBytes: Int { wal.pages * 4096 }
}

private final class Deadline {
  var instant: ContinuousClock.Instant?
  let interruption: Interruption?

  init(_ interruption: Interruption?) { self.interruption = interruption }
}

private let isPastDeadline: @convention(c) (UnsafeMutableRawPointer?) -> Int32 = { context in
  let deadline = unsafe Unmanaged<Deadline>.fromOpaque(context!).takeUnretainedValue()
  guard let instant = deadline.instant else { return 0 }
  if deadline.interruption?.isRequested == true { return 1 }
  return ContinuousClock.now >= instant ? 1 : 0
}

private final class WALSize {
  var pages = 0
}

private let didCommit:
  @convention(c) (UnsafeMutableRawPointer?, OpaquePointer?, UnsafePointer<CChar>?, Int32) -> Int32 = {
    context, _, _, pages in
    unsafe Unmanaged<WALSize>.fromOpaque(context!).takeUnretainedValue().pages = Int(pages)
    return SQLITE_OK
  }
