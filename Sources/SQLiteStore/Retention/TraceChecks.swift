import SQLite

/// What a trace has of spans of an attempt, as it was when somebody decided that it is to go.
struct TraceCandidate: Sendable {
  /// Its row in `rollouts`; 0 = none.
  var rollout: Int64 = 0
  var attempt: Int64
  var trace: Int64
  var spans: Int64
}

/// A span that is one too many, with the attempt that it had when somebody decided that.
struct SurplusSpan: Sendable {
  var key: SpanKey
  var attempt: Int64
  /// Where its bytes lay then.
  var segment: Int64
}

/// Whether spans are still what they were when somebody decided that they are to go.
struct TraceChecks: ~Copyable {
  private var selectSpans: Statement
  private var selectRows: Statement
  private var selectAttempt: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let selectSpans = try connection.prepare(
      "SELECT spans FROM rollout_traces WHERE rollout = ?3 AND attempt = ?1 AND trace = ?2")
    let selectRows = try connection.prepare(
      """
      SELECT attempts.rollout FROM spans JOIN attempts ON attempts.id = attempt
      WHERE trace = ?1 AND span_id = ?2 AND variant = ?3 AND attempt = ?4
      """)
    let selectAttempt = try connection.prepare(
      "SELECT attempt FROM spans WHERE trace = ?1 AND span_id = ?2 AND variant = ?3")
    self.selectSpans = selectSpans
    self.selectRows = selectRows
    self.selectAttempt = selectAttempt
  }

  /// Whether a trace has neither won nor lost spans of the attempt.
  mutating func isUnchanged(_ candidate: TraceCandidate) throws(SQLiteError) -> Bool {
    try selectSpans.bind(candidate.attempt, at: 1)
    try selectSpans.bind(candidate.trace, at: 2)
    try selectSpans.bind(candidate.rollout, at: 3)
    return try selectSpans.first { (row: borrowing Row) in row.int(at: 0) } == candidate.spans
  }

  /// The rollout and attempt of a span; `nil` when they are others than before.
  mutating func rows(of span: SurplusSpan) throws(SQLiteError) -> TagResolver.Rows? {
    try selectRows.bind(span.key.trace, at: 1)
    try selectRows.bind(span.key.spanID, at: 2)
    try selectRows.bind(span.key.variant, at: 3)
    try selectRows.bind(span.attempt, at: 4)
    return try selectRows.first { (row: borrowing Row) in
      TagResolver.Rows(rollout: row.int(at: 0), attempt: span.attempt)
    }
  }

  /// The attempt of a span; `nil` when it is not there.
  mutating func attempt(of span: SpanKey) throws(SQLiteError) -> Int64? {
    try selectAttempt.bind(span.trace, at: 1)
    try selectAttempt.bind(span.spanID, at: 2)
    try selectAttempt.bind(span.variant, at: 3)
    return try selectAttempt.first { (row: borrowing Row) in row.int(at: 0) }
  }
}
