import SQLite
import TraceStore

/// What requests have made, by the names that clients gave them.
struct RequestMemory: ~Copyable {
  /// How long a request is remembered, in seconds.
  private static let age = 86_400.0

  private var find: Statement
  private var insert: Statement
  private var prune: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare("SELECT fingerprint, result FROM request_keys WHERE key = ?1 AND created >= ?2")
    let insert = try connection.prepare(
      """
      INSERT INTO request_keys VALUES(?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET fingerprint = excluded.fingerprint,
        created = excluded.created, result = excluded.result
      """)
    // A few with each new one, so that no single request pays for many.
    let prune = try connection.prepare(
      """
      DELETE FROM request_keys WHERE key IN
        (SELECT key FROM request_keys WHERE created < ?1 ORDER BY created LIMIT 4)
      """)
    self.find = find
    self.insert = insert
    self.prune = prune
  }

  /// What a request has made; `nil` when it is new.
  ///
  /// - Throws: `keyReused` when it was another request.
  mutating func result(of request: RequestKey, now: Double) throws -> [String]? {
    try find.bind([.text(request.key), .real(now - Self.age)])
    let found = try find.first { (row: borrowing Row) in (row.int(at: 0), row.string(at: 1)) }
    guard let (fingerprint, result) = found else { return nil }
    guard fingerprint == request.fingerprint else { throw RolloutFault.keyReused }
    return result.split(separator: "\n").map(String.init)
  }

  /// Remembers what a request has made.
  ///
  /// - Parameter result: Ids, none of which has a line break in it.
  mutating func remember(_ request: RequestKey, _ result: [String], now: Double) throws(SQLiteError) {
    try insert.run(
      .text(request.key), .integer(request.fingerprint), .real(now), .text(result.joined(separator: "\n")))
    try prune.run(.real(now - Self.age))
  }
}
