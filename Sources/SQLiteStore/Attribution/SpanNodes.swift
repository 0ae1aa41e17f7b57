import SQLite
import Telemetry

/// A span as attribution sees it.
struct NodeRow {
  var spanID: Int64
  var variant: Int64
  /// 0 = none.
  var parentID: Int64
  var attempt: Int64
  var code: RuleCode
  var sequence: Int64?
  /// Nanoseconds since 1970, as a bit pattern.
  var start: Int64
  /// The number of its arrival.
  var arrival: Int64
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

/// All spans of one trace, as they are written.
private struct LoadedTrace {
  let trace: Int64
  /// In the order of their ids.
  private let rows: [NodeRow]
  /// Those without a rollout of their own, in the order of their parents' ids and then of their own.
  private let followers: [NodeRow]

  init(_ trace: Int64, _ rows: [NodeRow]) {
    self.trace = trace
    self.rows = rows
    followers = rows.filter { !$0.code.hasOwnRollout }
      .sorted { ($0.parentID, $0.spanID, $0.variant) < ($1.parentID, $1.spanID, $1.variant) }
  }

  func node(_ spanID: Int64) -> [NodeRow] {
    let start = Self.first(of: rows) { $0.spanID >= spanID }
    return Array(rows[start...].prefix { $0.spanID == spanID })
  }

  func rows(after cursor: (spanID: Int64, variant: Int64), limit: Int) -> [NodeRow] {
    let start = Self.first(of: rows) { ($0.spanID, $0.variant) > cursor }
    return Array(rows[start...].prefix(limit))
  }

  func children(of spanID: Int64, after cursor: (spanID: Int64, variant: Int64), limit: Int) -> [NodeRow] {
    let start = Self.first(of: followers) {
      ($0.parentID, $0.spanID, $0.variant) > (spanID, cursor.spanID, cursor.variant)
    }
    return Array(followers[start...].prefix(limit).prefix { $0.parentID == spanID })
  }

  func isLeaf(_ spanID: Int64) -> Bool {
    let start = Self.first(of: followers) { $0.parentID >= spanID }
    return start == followers.count || followers[start].parentID != spanID
  }

  /// The place of the first row from which on all are further.
  private static func first(of rows: [NodeRow], _ isFurther: (NodeRow) -> Bool) -> Int {
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if isFurther(rows[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }
}

/// Reads spans of the index for attribution, with the tags that they are to get.
struct SpanNodes: ~Copyable {
  /// Spans that may be read at once for each question before: 32 neighbours take about as long as three that are looked for.
  private static let loadedForQuestion = 32
  /// Of a larger trace each span is looked for.
  private static let mostLoaded = 2_048

  /// Tags that are decided and not written yet.
  var changes: [SpanKey: TagChange] = [:]
  /// Questions about one trace before all of its spans are read at once; that is tried again whenever they have doubled.
  private let patience: Int
  private var loaded: LoadedTrace?
  private var lastAsked: (trace: Int64, count: Int)?
  /// Spans of the traces that were read at once.
  private var sizes: [Int64: Int] = [:]
  private var selectNode: Statement
  private var selectRow: Statement
  private var selectOther: Statement
  private var selectChildren: Statement
  private var selectAll: Statement
  private var anyFollower: Statement
  private var anyVariant: Statement
  private var ownAttempts: Statement

  private static let columns = "span_id, variant, coalesce(parent_id, 0), attempt, rule, sequence, start, arrival"

  /// - Parameters:
  ///   - patience: Questions about one trace before all of its spans are read at once.
  ///   - hidesSome: Whether there are attempts whose spans are being deleted, and count as gone.
  init(_ connection: borrowing Connection, patience: Int = .max, hidesSome: Bool = false) throws(SQLiteError) {
    let isThere = hidesSome ? "attempt NOT IN (SELECT attempt FROM deletions)" : "TRUE"
    let selectNode = try connection.prepare(
      "SELECT \(Self.columns) FROM spans WHERE trace = ?1 AND span_id = ?2 AND \(isThere) ORDER BY variant")
    let selectRow = try connection.prepare(
      "SELECT \(Self.columns) FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3 AND \(isThere)")
    let selectOther = try connection.prepare(
      "SELECT 1 FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant != ?3 AND \(isThere) LIMIT 1")
    let selectChildren = try connection.prepare(
      """
      SELECT \(Self.columns) FROM spans INDEXED BY spans_by_followed
      WHERE trace = ?1 AND follows = ?2 AND follows IS NOT NULL AND (span_id, variant) > (?3, ?4)
        AND \(RuleCode.isFollower) AND \(isThere)
      ORDER BY span_id, variant LIMIT ?5
      """)
    let selectAll = try connection.prepare(
      """
      SELECT \(Self.columns) FROM spans WHERE trace = ?1 AND (span_id, variant) > (?2, ?3) AND \(isThere)
      ORDER BY span_id, variant LIMIT ?4
      """)
    let anyFollower = try connection.prepare(
      "SELECT 1 FROM spans INDEXED BY spans_by_followed WHERE trace = ?1 AND follows IS NOT NULL AND \(isThere) LIMIT 1"
    )
    let anyVariant = try connection.prepare("SELECT 1 FROM span_variants WHERE trace = ?1 LIMIT 1")
    let ownAttempts = try connection.prepare(
      "SELECT DISTINCT attempt FROM spans WHERE trace = ?1 AND NOT (\(RuleCode.isFollower)) AND \(isThere)")
    self.patience = patience
    self.selectNode = selectNode
    self.selectRow = selectRow
    self.selectOther = selectOther
    self.selectChildren = selectChildren
    self.selectAll = selectAll
    self.anyFollower = anyFollower
    self.anyVariant = anyVariant
    self.ownAttempts = ownAttempts
  }

  private static func read(_ row: borrowing Row) -> NodeRow {
    NodeRow(
      spanID: row.int(at: 0), variant: row.int(at: 1), parentID: row.int(at: 2), attempt: row.int(at: 3),
      code: RuleCode(rawValue: row.int(at: 4)), sequence: row.optionalInt(at: 5), start: row.int(at: 6),
      arrival: row.int(at: 7))
  }

  private func changed(_ rows: [NodeRow], of trace: Int64) -> [NodeRow] {
    if changes.isEmpty { return rows }
    return rows.map { row in
      guard let change = changes[SpanKey(trace: trace, spanID: row.spanID, variant: row.variant)] else { return row }
      var row = row
      row.attempt = change.tag.rows.attempt
      row.code = change.code
      return row
    }
  }

  // MARK: Traces as a whole

  /// Begins to read traces as a whole of which much is asked.
  ///
  /// Until ``endLoading()`` nothing but ``changes`` may change; when those are written, it begins anew.
  mutating func beginLoading() {
    loaded = nil
    lastAsked = (0, 0)
    sizes.removeAll()
  }

  /// What is written is no longer what was read.
  mutating func didChange() { if isLoading { beginLoading() } }

  /// Whether traces are read as a whole.
  var isLoading: Bool { lastAsked != nil }

  mutating func endLoading() {
    loaded = nil
    lastAsked = nil
    sizes.removeAll()
  }

  /// All spans of a trace, once much was asked about it.
  private mutating func whole(_ trace: Int64) throws(SQLiteError) -> LoadedTrace? {
    if let loaded, loaded.trace == trace { return loaded }
    guard let last = lastAsked else { return nil }
    let count = last.trace == trace ? last.count + 1 : 1
    lastAsked = (trace, count)
    guard count >= patience, count.nonzeroBitCount == 1 else { return nil }
    let limit = count * Self.loadedForQuestion
    guard limit <= Self.mostLoaded else { return nil }
    let rows = try read(trace, after: (.min, -1), limit: limit + 1)
    guard rows.count <= limit else { return nil }
    loaded = LoadedTrace(trace, rows)
    sizes[trace] = rows.count
    return loaded
  }

  /// How many spans a trace has that was read as a whole; `nil` for others.
  func size(of trace: Int64) -> Int? { sizes[trace] }

  /// Whether it is known that no stored span without a rollout of its own names this one as parent.
  func isLeaf(_ spanID: Int64, of trace: Int64) -> Bool {
    guard let loaded, loaded.trace == trace else { return false }
    return loaded.isLeaf(spanID)
  }

  // MARK: Spans

  mutating func node(_ trace: Int64, _ spanID: Int64) throws(SQLiteError) -> SpanNode {
    var node = SpanNode()
    if let loaded, loaded.trace == trace {
      node.rows = changed(loaded.node(spanID), of: trace)
      return node
    }
    try selectNode.bind(trace, at: 1)
    try selectNode.bind(spanID, at: 2)
    try selectNode.forEach { (row: borrowing Row) in node.rows.append(Self.read(row)) }
    node.rows = changed(node.rows, of: trace)
    return node
  }

  /// A span.
  mutating func row(_ span: SpanKey) throws(SQLiteError) -> NodeRow? {
    try selectRow.bind(span.trace, at: 1)
    try selectRow.bind(span.spanID, at: 2)
    try selectRow.bind(span.variant, at: 3)
    let found = try selectRow.first { (row: borrowing Row) in Self.read(row) }
    return found.map { changed([$0], of: span.trace)[0] }
  }

  /// Whether no other span has the ids of a span.
  mutating func isAlone(_ row: NodeRow, of trace: Int64) throws(SQLiteError) -> Bool {
    try selectOther.bind(trace, at: 1)
    try selectOther.bind(row.spanID, at: 2)
    try selectOther.bind(row.variant, at: 3)
    return try selectOther.first { (_: borrowing Row) in true } == nil
  }

  /// Spans without a rollout of their own that name this one as parent.
  ///
  /// - Parameter cursor: The last of them that was seen.
  mutating func children(
    _ trace: Int64, of spanID: Int64, after cursor: (spanID: Int64, variant: Int64) = (.min, -1), limit: Int
  ) throws(SQLiteError) -> [NodeRow] {
    if let whole = try whole(trace) {
      return changed(whole.children(of: spanID, after: cursor, limit: limit), of: trace)
    }
    var found: [NodeRow] = []
    try selectChildren.bind(trace, at: 1)
    try selectChildren.bind(spanID, at: 2)
    try selectChildren.bind(cursor.spanID, at: 3)
    try selectChildren.bind(cursor.variant, at: 4)
    try selectChildren.bind(Int64(limit), at: 5)
    try selectChildren.forEach { (row: borrowing Row) in found.append(Self.read(row)) }
    return changed(found, of: trace)
  }

  /// Spans of a trace, in the order of their ids.
  mutating func spans(
    of trace: Int64, after cursor: (spanID: Int64, variant: Int64), limit: Int
  ) throws(SQLiteError) -> [NodeRow] {
    if let loaded, loaded.trace == trace { return changed(loaded.rows(after: cursor, limit: limit), of: trace) }
    return changed(try read(trace, after: cursor, limit: limit), of: trace)
  }

  private mutating func read(
    _ trace: Int64, after cursor: (spanID: Int64, variant: Int64), limit: Int
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

  /// The attempts of the spans of a trace that have a rollout of their own, as they are written.
  mutating func ownAttempts(_ trace: Int64) throws(SQLiteError) -> [Int64] {
    var found: [Int64] = []
    try ownAttempts.bind(trace, at: 1)
    try ownAttempts.forEach { (row: borrowing Row) in found.append(row.int(at: 0)) }
    return found
  }
}
