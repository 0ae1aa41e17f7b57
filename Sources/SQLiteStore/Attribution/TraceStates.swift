import SQLite
import Telemetry

/// What attribution knows of a trace.
struct TraceState {
  let id: TraceID
  /// What the own tags of its spans and the registered bindings agree on.
  var known: Agreement
  /// Whether spans without a rollout of their own are stored or about to be.
  var hasFollowers: Bool
  /// The same of those that earlier batches have brought.
  var hasEarlierFollowers: Bool
  /// Whether bindings of its spans are registered.
  var hasSpanBindings: Bool
  /// Whether spans link to its spans.
  var isLinked: Bool
  /// Whether different spans have come under the same ids.
  var hasVariants: Bool
}

/// The states of the traces that spans come for, and the column `binding` of `traces`.
struct TraceStates: ~Copyable {
  private static let capacity = 32 << 10

  private var states: [Int64: TraceState] = [:]
  /// Traces whose column differs from what is known.
  private var changed: Set<Int64> = []
  private var read: Statement
  private var update: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let read = try connection.prepare("SELECT trace_id, binding FROM traces WHERE id = ?1")
    let update = try connection.prepare("UPDATE traces SET binding = ?2 WHERE id = ?1")
    self.read = read
    self.update = update
  }

  subscript(trace: Int64) -> TraceState? {
    get { states[trace] }
    set { states[trace] = newValue }
  }

  /// What the database has of a trace: its id, and the row of the attempt that is known, 0 for none, -1 for
  /// contradictions, `nil` when nobody has looked yet.
  mutating func stored(_ trace: Int64) throws(SQLiteError) -> (id: TraceID, binding: Int64?) {
    try read.bind(trace, at: 1)
    let found = try read.first { (row: borrowing Row) in
      TraceID(row.bytes(at: 0)).map { ($0, row.optionalInt(at: 1)) }
    }
    guard let found = found ?? nil else {
      throw SQLiteError(code: .corrupt, operation: "read", message: "trace \(trace) is missing")
    }
    return found
  }

  /// Notes what is known of a trace now.
  mutating func set(_ known: Agreement, of trace: Int64) {
    states[trace]?.known = known
    changed.insert(trace)
  }

  /// The column of a trace that is about to be inserted.
  mutating func columnOfNew(_ trace: Int64) -> Int64? {
    changed.remove(trace)
    return states[trace].map { Self.column($0.known) }
  }

  private static func column(_ known: Agreement) -> Int64 {
    switch known {
    case .nothing: 0
    case .one(let place): place.attempt
    case .contradiction: -1
    }
  }

  /// Forgets what is known of a trace: it was deleted, or has lost spans.
  mutating func forget(_ trace: Int64) {
    states[trace] = nil
    changed.remove(trace)
  }

  /// Writes what has changed, and forgets all traces.
  mutating func forgetAll() throws(SQLiteError) {
    try save()
    states.removeAll(keepingCapacity: true)
  }

  /// Writes what has changed, of traces whose rows are there.
  mutating func save() throws(SQLiteError) {
    for trace in changed {
      guard let state = states[trace] else { continue }
      try update.bind(trace, at: 1)
      try update.bind(Self.column(state.known), at: 2)
      try update.run()
    }
    changed.removeAll(keepingCapacity: true)
    if states.count > Self.capacity { states.removeAll(keepingCapacity: true) }
  }
}
