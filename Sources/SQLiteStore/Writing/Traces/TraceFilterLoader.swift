import SQLite

/// Reads the lookup table into the filter, in steps that each see a state of their own, so that the WAL can start anew
/// in between.
///
/// Entries only move to higher levels, and the steps go upwards: one that moves while they run is met again later. What
/// comes into the table meanwhile is entered by the writer.
struct TraceFilterLoader {
  let path: String
  let vfs: String?
  let filter: TraceFilter

  private static let stepCount = 16_384

  /// Runs until the table was read, or the filter is stopped.
  func run() {
    while filter.waitForWish() {
      // Nothing depends on it but speed; the writer meets the same error where it matters.
      let isComplete = (try? load()) ?? false
      filter.didLoad(everything: isComplete)
    }
  }

  private func load() throws(SQLiteError) -> Bool {
    let connection = try Connection(path: path, access: .existing, vfs: vfs)
    connection.setBusyTimeout(milliseconds: 2_000)
    try connection.execute("PRAGMA query_only = 1; PRAGMA cache_size = -512")
    connection.keepWALOnClose()
    var select = try connection.prepare(
      """
      SELECT level, key, trace FROM trace_lookup WHERE (level, key, trace) > (?1, ?2, ?3)
      ORDER BY level, key, trace LIMIT \(Self.stepCount)
      """)
    var last = (level: Int64(0), key: Int64(0), trace: Int64(0))
    var keys: [Int64] = []
    repeat {
      guard filter.isLoading else { return false }
      keys.removeAll(keepingCapacity: true)
      try select.bind(last.level, at: 1)
      try select.bind(last.key, at: 2)
      try select.bind(last.trace, at: 3)
      try select.forEach { (row: borrowing Row) in
        last = (row.int(at: 0), row.int(at: 1), row.int(at: 2))
        keys.append(last.key)
      }
      filter.insert(keys)
    } while keys.count == Self.stepCount
    return true
  }
}
