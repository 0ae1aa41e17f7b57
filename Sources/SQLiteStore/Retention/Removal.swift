import SQLite

/// What the writer deletes and moves spans with.
struct Removal: ~Copyable {
  var spans: SpanRemover
  var losses: SegmentLosses
  var rollouts: RolloutRemover
  var relocation: SpanRelocation
  var checks: RetentionChecks
  var traces: TraceChecks
  /// Attempts whose spans are being deleted, in the order in which that began.
  private(set) var queue: [RolloutRemover.Deletion] = []
  private(set) var deletions: Set<RolloutRemover.Deletion> = []

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    var select = try connection.prepare("SELECT attempt, rollout FROM deletions ORDER BY rowid")
    var found: [RolloutRemover.Deletion] = []
    try select.forEach { (row: borrowing Row) in
      found.append(RolloutRemover.Deletion(attempt: row.int(at: 0), rollout: row.int(at: 1)))
    }
    let spans = try SpanRemover(connection)
    let losses = try SegmentLosses(connection)
    let rollouts = try RolloutRemover(connection)
    let relocation = try SpanRelocation(connection)
    let checks = try RetentionChecks(connection)
    let traces = try TraceChecks(connection)
    self.spans = spans
    self.losses = losses
    self.rollouts = rollouts
    self.relocation = relocation
    self.checks = checks
    self.traces = traces
    queue = found
    deletions = Set(found)
  }

  mutating func begin(_ deletion: RolloutRemover.Deletion) {
    queue.append(deletion)
    deletions.insert(deletion)
  }

  mutating func end(_ deletion: RolloutRemover.Deletion) {
    queue.removeAll { $0 == deletion }
    deletions.remove(deletion)
  }

  /// Whether the spans of an attempt are being deleted.
  func hides(_ attempt: Int64) -> Bool {
    !deletions.isEmpty && queue.contains { $0.attempt == attempt }
  }

  /// Deletes the spans that an attempt has in a trace.
  ///
  /// - Parameter count: How many there are, as far as is known.
  mutating func remove(
    of attempt: Int64, in trace: Int64, count: Int64, limit: Int
  ) throws(SQLiteError) -> SpanRemover.Removed {
    try spans.remove(of: attempt, in: trace, count: count, limit: limit, &losses)
  }

  /// Deletes one span.
  mutating func remove(_ span: SpanKey, keepsTrace: Bool = false) throws(SQLiteError) -> SpanRemover.Removed? {
    try spans.remove(span, keepsTrace: keepsTrace, &losses)
  }

  mutating func apply(_ segment: RewrittenSegment, as id: Int64, _ connection: borrowing Connection)
    throws(SQLiteError) -> Int
  {
    try relocation.apply(segment, as: id, &losses, connection)
  }
}
