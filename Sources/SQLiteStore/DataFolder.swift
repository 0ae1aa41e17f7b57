import Glibc
package import TraceStore

/// The folder that holds the database, locked for one server.
package struct DataFolder: ~Copyable, Sendable {
  /// The database file.
  package let databasePath: String
  private let lock: Int32

  /// Creates the folder when it is missing, and locks it.
  ///
  /// - Throws: `locked` when another server has it, `readOnly` or `inputOutput` when it cannot be made.
  package init(path: String) throws(StoreError) {
    try Self.create(path)
    let lockPath = path + "/fulgurite.lock"
    let descriptor = unsafe open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw Self.failure("cannot create \(lockPath)") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      close(descriptor)
      throw StoreError(
        .locked, "another fulgurite uses the data folder \(path): stop it, or choose another with --data")
    }
    databasePath = Self.databasePath(in: path)
    lock = descriptor
  }

  deinit { close(lock) }

  /// Lets another server have the folder.
  package func unlock() { flock(lock, LOCK_UN) }

  /// The database file of a folder.
  package static func databasePath(in path: String) -> String { path + "/fulgurite.db" }

  /// Makes the folder and those above it, readable for the owner alone.
  private static func create(_ path: String) throws(StoreError) {
    if unsafe mkdir(path, 0o700) == 0 { return }
    switch errno {
    case EEXIST: return
    case ENOENT:
      guard let slash = path.lastIndex(of: "/"), slash > path.startIndex else {
        throw failure("cannot create the data folder \(path)")
      }
      try create(String(path[..<slash]))
      guard unsafe mkdir(path, 0o700) == 0 || errno == EEXIST else {
        throw failure("cannot create the data folder \(path)")
      }
    default: throw failure("cannot create the data folder \(path)")
    }
  }

  private static func failure(_ what: String) -> StoreError {
    let code = errno
    let reason = unsafe String(cString: strerror(code))
    return StoreError(code == EROFS || code == EACCES ? .readOnly : .inputOutput, "\(what): \(reason)")
  }
}
