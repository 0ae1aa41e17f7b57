import SQLite
import Telemetry

/// Finds what the rows of `attempts` stand for.
struct PlaceTable: ~Copyable {
  private static let capacity = 16 << 10

  private struct Entry {
    var place: Place
    var rolloutID: String?
    var attemptID: String?
  }

  private var entries: [Int64: Entry] = [:]
  private var select: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    select = try connection.prepare(
      """
      SELECT attempts.rollout, rollouts.rollout_id, attempts.attempt_id IS NOT NULL, attempts.attempt_id
      FROM attempts LEFT JOIN rollouts ON rollouts.id = attempts.rollout WHERE attempts.id = ?1 AND attempts.rollout >= 0
      """)
  }

  /// The place of a row of `attempts`.
  mutating func place(of attempt: Int64) throws(SQLiteError) -> Place { try entry(attempt).place }

  /// Whether a row of `attempts` is there.
  mutating func has(_ attempt: Int64) throws(SQLiteError) -> Bool { try find(attempt) != nil }

  /// Forgets a row that was deleted.
  mutating func forget(_ attempt: Int64) { entries[attempt] = nil }

  /// The ids of a row of `attempts`.
  mutating func tag(of attempt: Int64) throws(SQLiteError) -> RolloutTag {
    let entry = try entry(attempt)
    return RolloutTag(rolloutID: entry.rolloutID, attemptID: entry.attemptID)
  }

  private mutating func entry(_ attempt: Int64) throws(SQLiteError) -> Entry {
    guard let found = try find(attempt) else {
      throw SQLiteError(code: .corrupt, operation: "read", message: "attempt \(attempt) is missing")
    }
    return found
  }

  private mutating func find(_ attempt: Int64) throws(SQLiteError) -> Entry? {
    if let known = entries[attempt] { return known }
    try select.bind(attempt, at: 1)
    let found = try select.first { (row: borrowing Row) in
      Entry(
        place: Place(attempt: attempt, rollout: row.int(at: 0), namesAttempt: row.int(at: 2) == 1),
        rolloutID: row.int(at: 0) == 0 ? nil : row.string(at: 1),
        attemptID: row.int(at: 2) == 0 ? nil : row.string(at: 3))
    }
    guard let found else { return nil }
    if entries.count >= Self.capacity { entries.removeAll(keepingCapacity: true) }
    entries[attempt] = found
    return found
  }
}
