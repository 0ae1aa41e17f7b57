import SQLite
import Telemetry
import TraceStore

/// The names behind the numbers of rollouts and attempts, as far as a query needs them.
final class AttemptGroups {
  /// Whether only spans of the listed attempts are wanted.
  let isRestricted: Bool
  /// Attempts by row.
  private(set) var names: [Int64: SpanAttempt] = [:]
  /// Attempts whose spans are being deleted.
  private var hidden: Set<Int64> = []
  private var select: Statement

  /// - Parameter rollout: `nil` for a query that takes spans of every rollout; names are looked up as they come.
  init(_ connection: borrowing Connection, rollout: String?, attempt: SpanQuery.Attempt) throws(SQLiteError) {
    isRestricted = rollout != nil
    select = try connection.prepare(Self.selectName)
    guard let rollout else { return }
    var attempts = try connection.prepare(
      """
      SELECT attempts.id, attempts.attempt_id, rollouts.latest_attempt
      FROM rollouts JOIN attempts ON attempts.rollout = rollouts.id
      WHERE rollouts.rollout_id = ?1 AND spans > 0 ORDER BY first_arrival, attempts.id
      """)
    try attempts.bind(rollout, at: 1)
    var rank = 0
    var last: (row: Int64, attempt: SpanAttempt)?
    var started: Int64?
    try attempts.forEach { (row: borrowing Row) in
      let found = SpanAttempt(rolloutID: rollout, attemptID: row.optionalString(at: 1), rank: rank)
      rank += 1
      started = row.optionalInt(at: 2)
      let number = row.int(at: 0)
      switch attempt {
      case .any: names[number] = found
      case .id(let wanted): if found.attemptID.map(ExactText.init) == ExactText(wanted) { names[number] = found }
      case .latest:
        if number == started { names[number] = found }
        // Spans that name no attempt are of none, so they are not of the latest either.
        if found.attemptID != nil, number > last?.row ?? 0 { last = (number, found) }
      }
    }
    // Where nobody has started attempts, the latest is the one that spans have named last.
    if case .latest = attempt, started == nil, let last { names[last.row] = last.attempt }
  }

  /// The attempts of spans that belong to no rollout.
  init(_ connection: borrowing Connection, unassigned: Void) throws(SQLiteError) {
    isRestricted = true
    select = try connection.prepare(Self.selectName)
    var attempts = try connection.prepare(
      "SELECT id, attempt_id IS NOT NULL, attempt_id FROM attempts WHERE rollout = 0 AND spans > 0")
    try attempts.forEach { (row: borrowing Row) in
      names[row.int(at: 0)] = SpanAttempt(
        rolloutID: nil, attemptID: row.int(at: 1) == 0 ? nil : row.string(at: 2))
    }
  }

  private static let selectName = """
    SELECT rollouts.rollout_id IS NOT NULL, rollouts.rollout_id, attempts.attempt_id IS NOT NULL, attempts.attempt_id,
      attempts.rollout < 0
    FROM attempts LEFT JOIN rollouts ON rollouts.id = attempts.rollout WHERE attempts.id = ?1
    """

  /// The names of an attempt, or `nil` when its spans are not wanted.
  func names(of attempt: Int64) throws(SQLiteError) -> SpanAttempt? {
    if let known = names[attempt] { return known }
    if isRestricted || hidden.contains(attempt) { return nil }
    try select.bind(attempt, at: 1)
    var isHidden = false
    let found = try select.first { (row: borrowing Row) in
      isHidden = row.int(at: 4) == 1
      return SpanAttempt(
        rolloutID: row.int(at: 0) == 0 ? nil : row.string(at: 1),
        attemptID: row.int(at: 2) == 0 ? nil : row.string(at: 3))
    }
    if isHidden {
      hidden.insert(attempt)
      return nil
    }
    names[attempt] = found ?? SpanAttempt(rolloutID: nil, attemptID: nil)
    return names[attempt]
  }
}
