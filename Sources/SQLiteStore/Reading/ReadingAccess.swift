import Glibc
import SQLite
import TraceStore

extension Connection.Access {
  /// How a command that no server need have opened the database for reads it.
  ///
  /// A backup on media that cannot be written can be read as well, when it is one file.
  static func reading(_ path: String) -> Self { cannotChange(path) ? .immutable : .existing }

  /// Whether a database has no WAL and nobody here can give it one.
  private static func cannotChange(_ path: String) -> Bool {
    guard unsafe access(path, F_OK) == 0, unsafe access(path + "-wal", F_OK) != 0 else { return false }
    let folder = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    return unsafe access(folder.isEmpty ? "/" : folder, W_OK) != 0
  }
}

extension StoreError {
  /// Why a command cannot read the database at a path; the message names it.
  init(reading path: String, _ error: SQLiteError) {
    guard error.code.primary == .cannotOpen else {
      self = StoreError(error).naming(path)
      return
    }
    if unsafe access(path, F_OK) != 0 {
      self.init(.inputOutput, "there is no database at \(path): has a server run with this data folder?")
    } else {
      // A file that can be read and not be used lacks the index of its WAL, and its folder cannot be written.
      let isReadable = unsafe access(path, R_OK) == 0
      self = (isReadable ? StoreError(.readOnly, error.description) : StoreError(error)).naming(path)
    }
  }
}
