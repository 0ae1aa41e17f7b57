import SQLite
import Telemetry

/// Moves a stored span to another rollout when stronger evidence comes.
struct Retagger: ~Copyable {
  private var find: Statement
  private var update: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare(
      """
      SELECT rule, attempts.rollout, attempt FROM spans JOIN attempts ON attempts.id = attempt
      WHERE trace = ?1 AND span_id = ?2 AND variant = ?3
      """)
    let update = try connection.prepare(
      """
      UPDATE spans SET rule = ?4, attempt = ?5, sequence = ?6
      WHERE trace = ?1 AND span_id = ?2 AND variant = ?3
      """)
    self.find = find
    self.update = update
  }

  /// Applies the tag of a repeated span if it is stronger than the one that is stored.
  mutating func strengthen(
    _ spanID: SpanID, _ variant: Int64, _ placement: SpanInserter.Placement, _ rollout: TagResolver.Rollout?,
    _ tags: inout TagResolver
  ) throws(SQLiteError) {
    let trace = placement.trace
    guard placement.rule != .none else { return }
    try Self.bindKey(&find, trace, spanID, variant)
    let stored = try find.first { (row: borrowing Row) in
      (rule: row.int(at: 0), rows: TagResolver.Rows(rollout: row.int(at: 1), attempt: row.int(at: 2)))
    }
    guard let stored, Self.isStronger(placement.rows, placement.rule, than: stored.rows, stored.rule) else { return }
    try Self.bindKey(&update, trace, spanID, variant)
    try update.bind(Int64(placement.rule.rawValue), at: 4)
    try update.bind(placement.rows.attempt, at: 5)
    try update.bind(placement.sequence, at: 6)
    try update.run()
    tags.use(placement.sequence, rollout, attempt: placement.rows.attempt)
    tags.move(from: stored.rows, to: placement.rows, trace: trace)
  }

  /// A rollout is never given up for the mere attempt of a stronger rule: the span's own attempt may have come with the
  /// rollout of the request.
  private static func isStronger(
    _ rows: TagResolver.Rows, _ rule: TagRule, than stored: TagResolver.Rows, _ storedRule: Int64
  ) -> Bool {
    if (rows.rollout == 0) != (stored.rollout == 0) { return stored.rollout == 0 }
    return storedRule == 0 || storedRule > Int64(rule.rawValue)
  }

  private static func bindKey(_ statement: inout Statement, _ trace: Int64, _ spanID: SpanID, _ variant: Int64)
    throws(SQLiteError)
  {
    try statement.bind(trace, at: 1)
    try statement.bind(Int64(bitPattern: spanID.value), at: 2)
    try statement.bind(variant, at: 3)
  }
}
