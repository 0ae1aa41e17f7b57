import SQLite
import Telemetry

/// Who works on what.
///
/// AGL store contract, section 7.
struct WorkerBook: ~Copyable {
  static let columns = """
    worker_id, status, heartbeat_stats, last_heartbeat_time, last_dequeue_time, last_busy_time, last_idle_time,
    current_rollout_id, current_attempt_id
    """

  private var find: Statement
  private var save: Statement

  init(_ connection: borrowing Connection) throws(SQLiteError) {
    let find = try connection.prepare("SELECT \(Self.columns) FROM workers WHERE worker_id = ?1")
    let save = try connection.prepare(
      """
      INSERT INTO workers(\(Self.columns)) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
      ON CONFLICT(worker_id) DO UPDATE SET status = excluded.status, heartbeat_stats = excluded.heartbeat_stats,
        last_heartbeat_time = excluded.last_heartbeat_time, last_dequeue_time = excluded.last_dequeue_time,
        last_busy_time = excluded.last_busy_time, last_idle_time = excluded.last_idle_time,
        current_rollout_id = excluded.current_rollout_id, current_attempt_id = excluded.current_attempt_id
      """)
    self.find = find
    self.save = save
  }

  static func worker(_ row: borrowing Row) -> Worker {
    var worker = Worker(id: row.string(at: 0), status: WorkerStatus(rawValue: row.string(at: 1)) ?? .unknown)
    worker.heartbeatStats = row.optionalString(at: 2).map { JSONText($0) }
    worker.lastHeartbeatTime = row.optionalDouble(at: 3)
    worker.lastDequeueTime = row.optionalDouble(at: 4)
    worker.lastBusyTime = row.optionalDouble(at: 5)
    worker.lastIdleTime = row.optionalDouble(at: 6)
    worker.currentRolloutID = row.optionalString(at: 7)
    worker.currentAttemptID = row.optionalString(at: 8)
    return worker
  }

  /// Changes a worker, which is made when it is not known.
  @discardableResult
  mutating func change(_ id: String, _ change: (inout Worker) -> Void) throws(SQLiteError) -> Worker {
    try find.bind(id, at: 1)
    var worker = try find.first { (row: borrowing Row) in Self.worker(row) } ?? Worker(id: id)
    change(&worker)
    try save.run(
      .text(id), .text(worker.status.rawValue), SQLValue(worker.heartbeatStats?.text),
      SQLValue(worker.lastHeartbeatTime), SQLValue(worker.lastDequeueTime), SQLValue(worker.lastBusyTime),
      SQLValue(worker.lastIdleTime), SQLValue(worker.currentRolloutID), SQLValue(worker.currentAttemptID))
    return worker
  }

  /// Notes that a worker has an attempt to work on.
  mutating func isBusy(_ id: String, with attempt: Attempt, now: Double, dequeued: Bool = false) throws(SQLiteError) {
    try change(id) { worker in
      worker.status = .busy
      worker.lastBusyTime = now
      if dequeued { worker.lastDequeueTime = now }
      worker.currentRolloutID = attempt.rolloutID
      worker.currentAttemptID = attempt.id
    }
  }

  /// Notes that a worker has asked for work in vain.
  mutating func foundNothing(_ id: String, now: Double) throws(SQLiteError) {
    try change(id) { worker in
      worker.lastDequeueTime = now
      guard worker.status != .idle else { return }
      worker.status = .idle
      worker.lastIdleTime = now
    }
  }

  /// Follows what has become of the attempt of a worker.
  mutating func follow(_ id: String, _ attempt: Attempt, now: Double) throws(SQLiteError) {
    switch attempt.status {
    case .preparing, .running: try isBusy(id, with: attempt, now: now)
    case .succeeded, .failed: try rests(id, .idle, now: now)
    case .timeout, .unresponsive: try rests(id, .unknown, now: now)
    }
  }

  private mutating func rests(_ id: String, _ status: WorkerStatus, now: Double) throws(SQLiteError) {
    try change(id) { worker in
      worker.status = status
      worker.lastIdleTime = now
      worker.currentRolloutID = nil
      worker.currentAttemptID = nil
    }
  }
}
