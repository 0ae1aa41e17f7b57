import SQLite
import Telemetry
import TraceStore

/// Counts calls between services, by the index alone.
enum CallCounter {
  /// Traces of a step; of ten spans each they take some tens of milliseconds.
  private static let tracesAtOnce: Int64 = 8_192

  static func step(_ connection: borrowing Connection, _ scan: inout CallScan) throws(SQLiteError) {
    let newest = try connection.integer("SELECT max(id) FROM traces") ?? 0
    // Span ids are not unique in a trace where variants came: the parent that came first counts.
    var select = try connection.prepare(
      """
      SELECT (SELECT name FROM services WHERE id = caller), (SELECT name FROM services WHERE id = called),
        caller = 0, called = 0, calls
      FROM (
        SELECT parents.service AS caller, children.service AS called, count(*) AS calls
        FROM spans AS children JOIN spans AS parents
          ON parents.trace = children.trace AND parents.span_id = children.parent_id AND parents.variant = 0
        WHERE children.trace > ?1 AND children.trace <= ?2 AND parents.service != children.service
          AND children.start BETWEEN ?3 AND ?4
          AND (SELECT rollout FROM attempts WHERE id = children.attempt) >= 0
        GROUP BY 1, 2
      )
      """)
    let last = min(scan.lastTrace + tracesAtOnce, newest)
    try select.bind(scan.lastTrace, at: 1)
    try select.bind(last, at: 2)
    try select.bind(Int64(clamping: scan.starts.lowerBound), at: 3)
    try select.bind(Int64(clamping: scan.starts.upperBound), at: 4)
    var counts = scan.counts
    try select.forEach { (row: borrowing Row) in
      let call = CallScan.Call(
        parent: row.int(at: 2) != 0 ? nil : row.string(at: 0), child: row.int(at: 3) != 0 ? nil : row.string(at: 1))
      counts[call, default: 0] += row.int(at: 4)
    }
    scan.counts = counts
    scan.lastTrace = last
    scan.isFinished = last >= newest
  }
}
