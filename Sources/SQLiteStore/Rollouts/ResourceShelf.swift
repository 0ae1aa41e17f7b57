import SQLite
import Telemetry

/// The resources that rollouts refer to.
///
/// AGL store contract, section 8.
struct ResourceShelf: ~Copyable {
  static let columns = "resources_id, create_time, update_time, version, resources"

  /// The id of those that were stored last.
  private(set) var latestID: String?
  private var changes: Int64
  private var find: Statement
  private var save: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare("SELECT \(Self.columns) FROM resources WHERE resources_id = ?1")
    let save = try connection.prepare(
      """
      INSERT INTO resources(\(Self.columns), changed) VALUES(?1, ?2, ?3, ?4, ?5, ?6)
      ON CONFLICT(resources_id) DO UPDATE SET update_time = excluded.update_time, version = excluded.version,
        resources = excluded.resources, changed = excluded.changed
      """)
    latestID = try connection.text("SELECT resources_id FROM resources ORDER BY changed DESC LIMIT 1")
    changes = try connection.integer("SELECT coalesce(max(changed), 0) FROM resources") ?? 0
    self.find = find
    self.save = save
  }

  static func resources(_ row: borrowing Row) -> ResourcesUpdate {
    ResourcesUpdate(
      id: row.string(at: 0), createTime: row.double(at: 1), updateTime: row.double(at: 2), version: row.int(at: 3),
      resources: JSONText(row.string(at: 4)))
  }

  mutating func resources(_ id: String) throws(SQLiteError) -> ResourcesUpdate? {
    try find.bind(id, at: 1)
    return try find.first { (row: borrowing Row) in Self.resources(row) }
  }

  /// Stores resources as the next version of an id.
  mutating func store(_ resources: JSONText, as id: String, now: Double) throws(SQLiteError) -> ResourcesUpdate {
    var update =
      try self.resources(id)
      ?? ResourcesUpdate(id: id, createTime: now, updateTime: now, version: 0, resources: resources)
    update.updateTime = now
    update.version += 1
    update.resources = resources
    changes += 1
    try save.run(
      .text(id), .real(update.createTime), .real(update.updateTime), .integer(update.version),
      .text(resources.text), .integer(changes))
    latestID = id
    return update
  }
}
