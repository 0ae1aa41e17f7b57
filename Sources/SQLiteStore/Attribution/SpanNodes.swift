import SQLite
import Telemetry

/// A span as attribution sees it.
struct NodeRow {
  var spanID: Int64
  var variant: Int64
  var arrival: Int64
  /// 0 = none.
  var parentID: Int64
  var attempt: Int64
  var code: RuleCode
  var sequence: Int64?
  /// Nanoseconds since 1970, as a bit pattern.
  var start: Int64
}

/// All spans under the same ids.
struct SpanNode {
  var rows: [NodeRow] = []

  var isStored: Bool { !rows.isEmpty }
  var hasOwnRollout: Bool { rows.contains { $0.code.hasOwnRollout } }

  /// Where the way up goes on if no span has a rollout of its own: to the lowest of the ids that are named as parent.
  ///
  /// `nil` = to none.
  var upward: NodeRow? {
    rows.filter { $0.parentID != 0 }.min { UInt64(bitPattern: $0.parentID) < UInt64(bitPattern: $1.parentID) }
  }
}

/// Reads spans of the index for attribution.
struct SpanNodes: ~Copyable {
  private var selectNode: Statement
  private var selectChildren: Statement
  private var selectAll: Statement
  private var anyFollower: Statement
  private var anyVariant: Statement
  private var ownAttempts: Statement

  private static let columns = "span_id, variant, arrival, coalesce(parent_id, 0), attempt, rule, sequence, start"

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let selectNode = try connection.prepare(
      "SELECT \(Self.columns) FROM spans WHERE trace = ?1 AND span_id = ?2 ORDER BY variant")
    let selectChildren = try connection.prepare(
      """
      SELECT \(Self.columns) FROM spans INDEXED BY spans_by_followed
      WHERE trace = ?1 AND follows = ?2 AND follows IS NOT NULL AND (span_id, variant) > (?3, ?4)
        AND \(RuleCode.isFollower)
      ORDER BY span_id, variant LIMIT ?5
      """)
    let selectAll = try connection.prepare(
      """
      SELECT \(Self.columns) FROM spans WHERE trace = ?1 AND (span_id, variant) > (?2, ?3)
      ORDER BY span_id, variant LIMIT ?4
      """)
    let anyFollower = try connection.prepare(
      "SELECT 1 FROM spans INDEXED BY spans_by_followed WHERE trace = ?1 AND follows IS NOT NULL LIMIT 1")
    let anyVariant = try connection.prepare("SELECT 1 FROM span_variants WHERE trace = ?1 LIMIT 1")
    let ownAttempts = try connection.prepare(
      "SELECT DISTINCT attempt FROM spans WHERE trace = ?1 AND NOT (\(RuleCode.isFollower))")
    self.selectNode = selectNode
    self.selectChildren = selectChildren
    self.selectAll = selectAll
    self.anyFollower = anyFollower
    self.anyVariant = anyVariant
    self.ownAttempts = ownAttempts
  }

  private static func read(_ row: borrowing Row) -> NodeRow {
    NodeRow(
      spanID: row.int(at: 0), variant: row.int(at: 1), arrival: row.int(at: 2), parentID: row.int(at: 3),
      attempt: row.int(at: 4), code: RuleCode(rawValue: row.int(at: 5)), sequence: row.optionalInt(at: 6),
      start: row.int(at: 7))
  }

  mutating func node(_ trace: Int64, _ spanID: Int64) throws(SQLiteError) -> SpanNode {
    var node = SpanNode()
    try selectNode.bind(trace, at: 1)
    try selectNode.bind(spanID, at: 2)
    try selectNode.forEach { (row: borrowing Row) in node.rows.append(Self.read(row)) }
    return node
  }

  /// Spans without a rollout of their own that name this one as parent.
  ///
  /// - Parameter cursor: The last of them that was seen.
  mutating func children(
    _ trace: Int64, of spanID: Int64, after cursor: (spanID: Int64, variant: Int64) = (.min, -1), limit: Int
  ) throws(SQLiteError) -> [NodeRow] {
    var found: [NodeRow] = []
    try selectChildren.bind(trace, at: 1)
    try selectChildren.bind(spanID, at: 2)
    try selectChildren.bind(cursor.spanID, at: 3)
    try selectChildren.bind(cursor.variant, at: 4)
    try selectChildren.bind(Int64(limit), at: 5)
    try selectChildren.forEach { (row: borrowing Row) in found.append(Self.read(row)) }
    return found
  }

  /// Spans of a trace, in the order of their ids.
  mutating func spans(
    of trace: Int64, after cursor: (spanID: Int64, variant: Int64), limit: Int
  ) throws(SQLiteError) -> [NodeRow] {
    var found: [NodeRow] = []
    try selectAll.bind(trace, at: 1)
    try selectAll.bind(cursor.spanID, at: 2)
    try selectAll.bind(cursor.variant, at: 3)
    try selectAll.bind(Int64(limit), at: 4)
    try selectAll.forEach { (row: borrowing Row) in found.append(Self.read(row)) }
    return found
  }

  /// Whether different spans of a trace have come under the same ids.
  mutating func hasVariants(_ trace: Int64) throws(SQLiteError) -> Bool {
    try anyVariant.bind(trace, at: 1)
    return try anyVariant.first { (_: borrowing Row) in true } ?? false
  }

  /// Whether a trace has spans that came without a rollout.
  mutating func hasFollowers(_ trace: Int64) throws(SQLiteError) -> Bool {
    try anyFollower.bind(trace, at: 1)
    return try anyFollower.first { (_: borrowing Row) in true } ?? false
  }

  /// The attempts of the spans of a trace that have a rollout of their own.
  mutating func ownAttempts(_ trace: Int64) throws(SQLiteError) -> [Int64] {
    var found: [Int64] = []
    try ownAttempts.bind(trace, at: 1)
    try ownAttempts.forEach { (row: borrowing Row) in found.append(row.int(at: 0)) }
    return found
  }
}
