import SQLite
import Telemetry
import TraceStore

extension SQLiteReadSession {
  func services() throws(StoreError) -> ServiceList {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare("SELECT name FROM services")
      var list = ServiceList(names: [], hasUnnamed: false)
      try select.forEach { (row: borrowing Row) in list.names.append(row.string(at: 0)) }
      list.hasUnnamed = try connection.integer("SELECT 1 FROM operations WHERE service = 0 LIMIT 1") != nil
      return list
    }
  }

  func operations(ofService service: String?) throws(StoreError) -> [Operation] {
    try guarded { () throws(SQLiteError) in
      guard let row = try row(ofService: service) else { return [] }
      var select = try connection.prepare(
        """
        SELECT coalesce(names.name, ''), kind FROM operations LEFT JOIN names ON names.id = operations.name
        WHERE service = ?1 AND operations.name >= 0
        """)
      try select.bind(row, at: 1)
      var found: [Operation] = []
      try select.forEach { (row: borrowing Row) in
        found.append(Operation(name: row.string(at: 0), kind: Int32(truncatingIfNeeded: row.int(at: 1))))
      }
      return found.sorted { first, second in
        if first.name.utf8.elementsEqual(second.name.utf8) { return first.kind < second.kind }
        return first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
      }
    }
  }

  /// The row of a service, 0 for none; `nil` when it is not known.
  private func row(ofService service: String?) throws(SQLiteError) -> Int64? {
    guard let service else { return 0 }
    var select = try connection.prepare("SELECT id FROM services WHERE name = ?1")
    try select.bind(service, at: 1)
    return try select.first { (row: borrowing Row) in row.int(at: 0) }
  }

  func canFind(services: [String?]?, operation: String?) throws(StoreError) -> Bool {
    try guarded { () throws(SQLiteError) in
      var rows: [Int64]?
      // Beyond its bound a table does not have everything.
      if let services, try count(of: "services") < ServiceNames.limit {
        var known: [Int64] = []
        for service in services {
          if let row = try row(ofService: service) { known.append(row) }
        }
        if known.isEmpty { return false }
        rows = known
      }
      guard let operation, operation.utf8.count < SpanFacts.shortestCutName,
        try count(of: "names") < NameTable.capacity, try count(of: "operations") < OperationTable.limit
      else { return true }
      var select = try connection.prepare(
        """
        SELECT 1 FROM operations WHERE service = coalesce(?2, service)
          AND name = CASE ?1 WHEN '' THEN 0 ELSE (SELECT id FROM names WHERE name = ?1) END LIMIT 1
        """)
      try select.bind(operation, at: 1)
      for row in rows.map({ $0.map(Optional.some) }) ?? [nil] {
        try select.bind(row, at: 2)
        if try select.first({ (row: borrowing Row) in true }) != nil { return true }
      }
      return false
    }
  }

  private func count(of table: String) throws(SQLiteError) -> Int {
    Int(try connection.integer("SELECT count(*) FROM \(table)") ?? 0)
  }

  func scan<Filter: SpanFilter>(_ scan: inout LogScan, upTo bytes: Int, _ filter: inout Filter) throws(StoreError) {
    try guarded { () throws(SQLiteError) in
      let attempts = try AttemptGroups(connection, rollout: nil, attempt: .any)
      if scanner == nil { scanner = try LogScanner(connection) }
      try scanner!.step(&scan, upTo: bytes, &filter, &traces, &segments, attempts)
    }
  }

  func rollouts(withAttempt id: String) throws(StoreError) -> [String]? {
    try guarded { () throws(SQLiteError) in
      var select = try connection.prepare(
        """
        SELECT rollout_id IS NOT NULL, rollout_id FROM attempts LEFT JOIN rollouts ON rollouts.id = attempts.rollout
        WHERE attempt_id = ?1 AND spans > 0 AND attempts.rollout >= 0
        """)
      try select.bind(id, at: 1)
      var found: [String]? = []
      try select.forEach { (row: borrowing Row) in
        if row.int(at: 0) == 0 { found = nil } else { found?.append(row.string(at: 1)) }
      }
      return found
    }
  }

  func summary(of traceID: TraceID) throws(StoreError) -> TraceSummary? {
    try guarded { () throws(SQLiteError) in
      guard let trace = try traces.row(of: traceID) else { return nil }
      if summaries == nil { summaries = try TraceSummaryReader(connection) }
      return try summaries!.read(trace, traceID)
    }
  }

  func countCalls(_ scan: inout CallScan) throws(StoreError) {
    try guarded { () throws(SQLiteError) in try CallCounter.step(connection, &scan) }
  }
}
