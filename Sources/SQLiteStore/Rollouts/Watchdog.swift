import SQLite
import Telemetry

/// Finds attempts that take too long or give no sign of life.
///
/// A search looks at every rollout that somebody is at against the clock. None is made before the earliest time at which
/// one of them can be late.
struct Watchdog: ~Copyable {
  /// An attempt that is to be given up.
  struct Late {
    /// The row of its rollout, whose latest attempt it is.
    var rollout: Int64
    var status: AttemptStatus
  }

  /// Attempts that one search gives up; the next one goes on.
  private static let mostAtOnce = 10_000

  private let schedule: WatchdogSchedule
  private var select: Statement

  init(_ connection: borrowing Connection, _ schedule: WatchdogSchedule) throws(SQLiteError) {
    // The index on stages has just these.
    let select = try connection.prepare(
      """
      SELECT rollouts.id, rollouts.timeout_seconds, rollouts.unresponsive_seconds, attempts.start_time, attempts.heartbeat
      FROM rollouts JOIN attempts ON attempts.id = rollouts.latest_attempt WHERE rollouts.stage = 3
      """)
    self.select = select
    self.schedule = schedule
    // What is due is not known before the first search.
    schedule.expect(at: -.infinity)
  }

  /// The attempts that are late.
  ///
  /// - Parameter debounced: Whether none are looked for when that was done a moment ago.
  mutating func findLate(now: Double, debounced: Bool) throws(SQLiteError) -> [Late] {
    guard schedule.isDue(now: now, debounced: debounced) else { return [] }
    var late: [Late] = []
    var next = Double.infinity
    try select.forEach { (row: borrowing Row) in
      let clock = AttemptClock(
        timeout: row.optionalDouble(at: 1), unresponsive: row.optionalDouble(at: 2), start: row.double(at: 3),
        heartbeat: row.optionalDouble(at: 4))
      if let status = clock.status(now: now) {
        if late.count < Self.mostAtOnce {
          late.append(Late(rollout: row.int(at: 0), status: status))
        } else {
          next = -.infinity
        }
      } else {
        next = min(next, clock.due)
      }
    }
    schedule.searched(now: now, next: next)
    return late
  }

  /// Notes when the latest attempt of a rollout can be late.
  func expect(_ rollout: Rollout, _ attempt: Attempt) {
    guard rollout.status.isActive else { return }
    let clock = AttemptClock(
      timeout: rollout.config.timeoutSeconds, unresponsive: rollout.config.unresponsiveSeconds,
      start: attempt.startTime, heartbeat: attempt.lastHeartbeatTime)
    expect(at: clock.due)
  }

  /// Notes when an attempt can be late.
  func expect(at time: Double) { schedule.expect(at: time) }
}

/// When an attempt is late, in seconds.
struct AttemptClock {
  var timeout: Double?
  var unresponsive: Double?
  var start: Double
  var heartbeat: Double?

  /// The earliest time after which the attempt is late, if nothing is heard of it.
  var due: Double {
    min(
      timeout.map { start + $0 } ?? .infinity,
      unresponsive.map { (heartbeat ?? start) + $0 } ?? .infinity)
  }

  /// What an attempt is that is late; `nil` when it is not.
  func status(now: Double) -> AttemptStatus? {
    if let timeout, now - start > timeout { return .timeout }
    if let unresponsive, now - (heartbeat ?? start) > unresponsive { return .unresponsive }
    return nil
  }
}
