/// What a power cut did to the files.
package struct PowerLoss: Hashable, Sendable {
  /// How many files had changes that were not synced.
  package var files: Int
  /// How many sectors of 512 bytes those changes touched.
  package var unsyncedSectors: Int
  /// How many of these sectors do not hold their new contents now, or only in part.
  package var lostSectors: Int
}

/// Why power could not be restored: a database is still open, or a file could not be rewritten.
package struct FaultVFSError: Error, Hashable, Sendable {
  /// The SQLite result code: `SQLITE_BUSY` or `SQLITE_IOERR`.
  package var code: Int32
}
