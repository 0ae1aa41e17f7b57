import SQLite
import Telemetry
import TraceStore

// Queries for rollouts and what belongs to them. AGL store contract, section 5.
extension SQLiteReadSession {
  func rollouts(_ query: RolloutQuery) throws(StoreError) -> PageOf<AttemptedRollout> {
    let places = try rolloutPlaces(query)
    return PageOf(items: try rollouts(at: places.items[...], upTo: .max).items, total: places.total)
  }

  func rollouts(at places: ArraySlice<Int64>, upTo bytes: Int) throws(StoreError) -> (
    items: [AttemptedRollout], done: Int
  ) {
    try guarded { () throws(SQLiteError) in
      try prepareRolloutReader()
      var items: [AttemptedRollout] = []
      var size = 0
      var done = 0
      for place in places where size < bytes {
        done += 1
        guard let found = try rolloutReader!.rollout(at: place) else { continue }
        size += found.rollout.input.text.utf8.count + (found.rollout.metadata?.text.utf8.count ?? 0)
        items.append(found)
      }
      return (items, done)
    }
  }

  func rolloutPlaces(_ query: RolloutQuery) throws(StoreError) -> PageOf<Int64> {
    var filter = PageSQL(query.page, from: "rollouts", order: query.page.sortKey.map(Self.column))
    filter.require("status IS NOT NULL")
    if let id = query.newerThan {
      filter.require("id > coalesce((SELECT id FROM rollouts WHERE rollout_id = ?), 0)", .text(id))
    }
    if let time = query.endedSince { filter.require("end_time >= ?", .real(time)) }
    filter.condition(in: query.statuses?.map(\.rawValue), "status")
    filter.condition(in: query.ids, "rollout_id")
    filter.condition(contains: query.idContains, "rollout_id")
    filter.condition(in: query.modes?.map(\.rawValue), "mode")
    // The index on stages knows those that have not ended; the condition is implied, so it excludes nothing.
    if !query.page.matchesAny, let statuses = query.statuses, !statuses.contains(where: \.isFinished) {
      filter.requireFew("stage IS NOT NULL")
    }
    return try guarded { () throws(SQLiteError) in try filter.read(connection) { $0 } }
  }

  func rollouts(_ ids: [String]) throws(StoreError) -> [AttemptedRollout] {
    try guarded { () throws(SQLiteError) in
      try prepareRolloutReader()
      var found: [AttemptedRollout] = []
      for id in ids {
        if let rollout = try rolloutReader!.rollout(id) { found.append(rollout) }
      }
      return found
    }
  }

  func unfinished(_ ids: Set<ExactText>) throws(StoreError) -> Set<ExactText> {
    try guarded { () throws(SQLiteError) in
      var find = try connection.prepare(
        "SELECT stage IS NOT NULL FROM rollouts WHERE rollout_id = ?1 AND status IS NOT NULL")
      var unfinished: Set<ExactText> = []
      for id in ids {
        try find.bind(id.text, at: 1)
        if try find.first({ (row: borrowing Row) in row.int(at: 0) == 1 }) == true { unfinished.insert(id) }
      }
      return unfinished
    }
  }

  /// Makes the reader with its first use.
  private func prepareRolloutReader() throws(SQLiteError) {
    if rolloutReader == nil { rolloutReader = try RolloutReader(connection) }
  }

  func spanCounts(ofRollout id: String) throws(StoreError) -> [String: Int64] {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT coalesce(attempt_id, ''), spans FROM attempts
        WHERE rollout = (SELECT id FROM rollouts WHERE rollout_id = ?1) AND spans > 0
        """)
      try select.bind(id, at: 1)
      var counts: [String: Int64] = [:]
      try select.forEach { (row: borrowing Row) in counts[row.string(at: 0), default: 0] += row.int(at: 1) }
      return counts
    }
  }

  func attempts(_ query: AttemptQuery) throws(StoreError) -> PageOf<Attempt> {
    var filter = PageSQL(query.page, from: "attempts", order: query.page.sortKey.map(Self.column))
    filter.require("status IS NOT NULL")
    filter.require("rollout = (SELECT id FROM rollouts WHERE rollout_id = ?)", .text(query.rolloutID))
    return try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        "SELECT \(RolloutColumns.attempt) FROM \(RolloutColumns.attemptTables) WHERE attempts.id = ?1")
      return try filter.read(connection) { row throws(SQLiteError) in
        try select.bind(row, at: 1)
        return try select.first { (row: borrowing Row) in
          RolloutColumns.attempt(row, rolloutID: query.rolloutID).attempt
        }
      }
    }
  }

  func workers(_ query: WorkerQuery) throws(StoreError) -> PageOf<Worker> {
    var filter = PageSQL(query.page, from: "workers", order: query.page.sortKey.map(Self.column))
    filter.condition(in: query.statuses?.map(\.rawValue), "status")
    filter.condition(contains: query.idContains, "worker_id")
    return try guarded { () throws(SQLiteError) in
      var select = try connection.prepare("SELECT \(WorkerBook.columns) FROM workers WHERE id = ?1")
      return try filter.read(connection) { row throws(SQLiteError) in
        try select.bind(row, at: 1)
        return try select.first { (row: borrowing Row) in WorkerBook.worker(row) }
      }
    }
  }

  func worker(_ id: String) throws(StoreError) -> Worker? {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare("SELECT \(WorkerBook.columns) FROM workers WHERE worker_id = ?1")
      try select.bind(id, at: 1)
      return try select.first { (row: borrowing Row) in WorkerBook.worker(row) }
    }
  }

  func resources(_ query: ResourcesQuery) throws(StoreError) -> PageOf<ResourcesUpdate> {
    var filter = PageSQL(query.page, from: "resources", order: query.page.sortKey.map(Self.column))
    filter.condition(in: query.id.map { [$0] }, "resources_id")
    filter.condition(contains: query.idContains, "resources_id")
    return try guarded { () throws(SQLiteError) in
      var select = try connection.prepare("SELECT \(ResourceShelf.columns) FROM resources WHERE id = ?1")
      return try filter.read(connection) { row throws(SQLiteError) in
        try select.bind(row, at: 1)
        return try select.first { (row: borrowing Row) in ResourceShelf.resources(row) }
      }
    }
  }

  func resources(_ id: String?) throws(StoreError) -> ResourcesUpdate? {
    try guarded { () throws(SQLiteError) in
      let which = id == nil ? "ORDER BY changed DESC LIMIT 1" : "WHERE resources_id = ?1"
      var select = try connection.prepare("SELECT \(ResourceShelf.columns) FROM resources \(which)")
      if let id { try select.bind(id, at: 1) }
      return try select.first { (row: borrowing Row) in ResourceShelf.resources(row) }
    }
  }
}

// What is sorted by. Unknown times are late, other unknown values are empty.
extension SQLiteReadSession {
  private static func time(_ column: String) -> String { "coalesce(\(column), 9e999)" }

  private static func column(_ key: RolloutQuery.SortKey) -> String {
    switch key {
    case .id: "rollout_id"
    case .startTime: "start_time"
    case .endTime: time("end_time")
    case .duration: time("end_time - start_time")
    case .mode: "coalesce(mode, '')"
    case .resourcesID: "coalesce(resources_id, '')"
    case .status: "status"
    case .newest: "id DESC, id"
    }
  }

  private static func column(_ key: AttemptQuery.SortKey) -> String {
    switch key {
    // All of them are of one rollout. A constant number would be the place of a column of the result.
    case .rolloutID: "rollout"
    case .id: "attempt_id"
    case .sequence: "number"
    case .startTime: "start_time"
    case .endTime: time("end_time")
    case .duration: time("end_time - start_time")
    case .status: "status"
    case .workerID: "coalesce(worker_id, '')"
    case .lastHeartbeatTime: time("heartbeat")
    }
  }

  private static func column(_ key: WorkerQuery.SortKey) -> String {
    switch key {
    case .id: "worker_id"
    case .status: "status"
    case .lastHeartbeatTime: time("last_heartbeat_time")
    case .lastDequeueTime: time("last_dequeue_time")
    case .lastBusyTime: time("last_busy_time")
    case .lastIdleTime: time("last_idle_time")
    case .currentRolloutID: "coalesce(current_rollout_id, '')"
    case .currentAttemptID: "coalesce(current_attempt_id, '')"
    }
  }

  private static func column(_ key: ResourcesQuery.SortKey) -> String {
    switch key {
    case .id: "resources_id"
    case .createTime: "create_time"
    case .updateTime: "update_time"
    case .version: "version"
    }
  }
}
