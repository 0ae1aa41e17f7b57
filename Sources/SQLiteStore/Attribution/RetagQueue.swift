import SQLite

/// Spans that are to be looked at again because of a fact that came.
struct RetagTask: Hashable {
  enum Kind: Int64 {
    /// Spans that name a span as parent: what they inherit has changed.
    case children = 1
    /// Spans of a trace that have nothing to inherit: what is known of the trace has changed.
    case trace = 2
    /// Spans that link to a span: its tags have changed.
    case linkers = 3
    /// Spans that name a session: its registrations have changed.
    case session = 4
  }

  /// Where the work on a task goes on: the last span that was looked at.
  struct Cursor: Hashable {
    var trace = Int64.min
    var spanID = Int64.min
    var variant: Int64 = -1
    /// Whether it is to be worked on once more from the start: a fact came meanwhile.
    var isDueAgain = false

    /// Whether no span was looked at yet.
    var isStart: Bool { self == Cursor() }
  }

  var kind: Kind
  /// The row of the trace, or of the name of the session.
  var subject: Int64
  /// 0 where the kind has none.
  var spanID: Int64 = 0
}

/// The tasks that wait, in memory and in the database.
///
/// A transaction works on them as far as its budget reaches and stores the rest, so that neither a crash nor a restart
/// loses a task. The newest is done first: that keeps the tasks few.
struct RetagQueue: ~Copyable {
  private var stack: [RetagTask] = []
  private var cursors: [RetagTask: RetagTask.Cursor] = [:]
  /// Tasks as the database has them.
  private var stored: [RetagTask: RetagTask.Cursor] = [:]
  private var changed: Set<RetagTask> = []
  private var insert: Statement
  private var remove: Statement

  /// Reads what the last session has left.
  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let insert = try connection.prepare("INSERT OR REPLACE INTO retag_work VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)")
    let remove = try connection.prepare("DELETE FROM retag_work WHERE kind = ?1 AND subject = ?2 AND span_id = ?3")
    var select = try connection.prepare(
      "SELECT kind, subject, span_id, cursor_trace, cursor_span_id, cursor_variant, due_again FROM retag_work")
    var found: [RetagTask: RetagTask.Cursor] = [:]
    try select.forEach { (row: borrowing Row) in
      guard let kind = RetagTask.Kind(rawValue: row.int(at: 0)) else { return }
      let task = RetagTask(kind: kind, subject: row.int(at: 1), spanID: row.int(at: 2))
      found[task] = RetagTask.Cursor(
        trace: row.int(at: 3), spanID: row.int(at: 4), variant: row.int(at: 5), isDueAgain: row.int(at: 6) == 1)
    }
    stack = Array(found.keys)
    cursors = found
    stored = found
    self.insert = insert
    self.remove = remove
  }

  var isEmpty: Bool { stack.isEmpty }

  /// The task to work on: the newest, or the oldest.
  func next(oldest: Bool) -> RetagTask? { oldest ? stack.first : stack.last }

  /// Adds a task.
  ///
  /// One that has begun goes on to its end, and then starts anew: facts that come all the time do not keep it at the start.
  mutating func add(_ task: RetagTask) {
    changed.insert(task)
    guard var cursor = cursors[task] else {
      cursors[task] = RetagTask.Cursor()
      stack.append(task)
      return
    }
    guard !cursor.isStart else { return }
    cursor.isDueAgain = true
    cursors[task] = cursor
  }

  func cursor(of task: RetagTask) -> RetagTask.Cursor { cursors[task] ?? RetagTask.Cursor() }

  /// Notes how far the work on a task has come; `nil` = to its end.
  ///
  /// To be called before the work changes anything: what it changes may add the task again.
  mutating func advance(_ task: RetagTask, to end: RetagTask.Cursor?) {
    changed.insert(task)
    let isDueAgain = cursors[task]?.isDueAgain == true
    if var end {
      end.isDueAgain = isDueAgain
      cursors[task] = end
    } else if isDueAgain {
      cursors[task] = RetagTask.Cursor()
    } else {
      cursors[task] = nil
      if stack.last == task { stack.removeLast() } else { stack.removeAll { $0 == task } }
    }
  }

  /// Drops the tasks of a trace that was deleted.
  mutating func remove(trace: Int64) {
    guard !stack.isEmpty else { return }
    let dropped = stack.filter { $0.kind != .session && $0.subject == trace }
    guard !dropped.isEmpty else { return }
    stack.removeAll { dropped.contains($0) }
    for task in dropped {
      cursors[task] = nil
      changed.insert(task)
    }
  }

  /// Writes what has changed.
  mutating func save() throws(SQLiteError) {
    for task in changed where cursors[task] != stored[task] {
      if let cursor = cursors[task] {
        try insert.run(
          .integer(task.kind.rawValue), .integer(task.subject), .integer(task.spanID), .integer(cursor.trace),
          .integer(cursor.spanID), .integer(cursor.variant), .integer(cursor.isDueAgain ? 1 : 0))
      } else {
        try remove.run(.integer(task.kind.rawValue), .integer(task.subject), .integer(task.spanID))
      }
      stored[task] = cursors[task]
    }
    changed.removeAll(keepingCapacity: true)
  }
}
