import SQLite
import Telemetry
import TraceStore

// Sessions and their attempts, which begin and end together. Times are nanoseconds since 1970.
extension RolloutMachine {
  /// Sessions that one sweep forgets; the next one goes on.
  private static let mostForgotten: Int64 = 1_000

  func startSessions(_ new: [NewKeySession], mostOpen: Int?, now: Int64) throws -> Result<[KeySession], SessionKeyFault>
  {
    // Looks for late attempts, whose sessions end with them.
    try findLate(now: Self.seconds(now))
    guard hasRoom(for: new.count, mostOpen) else { return .failure(.noCapacity) }
    return .success(try new.map { try start($0, now: now) })
  }

  private func hasRoom(for count: Int, _ mostOpen: Int?) -> Bool {
    mostOpen.map { keySessions.openCount + count <= $0 } ?? true
  }

  private func start(_ new: NewKeySession, now: Int64) throws -> KeySession {
    let (_, attempt) = try start(new.rollout, worker: nil, now: Self.seconds(now))
    return try keySessions.add(new, attempt: attempt.id, now: now)
  }

  func refreshSession(_ row: Int64, with new: NewKeySession, mostOpen: Int?, now: Int64) throws
    -> Result<KeySession, SessionKeyFault>
  {
    try findLate(now: Self.seconds(now))
    guard let current = try keySessions.session(of: new.key) else { return .failure(.unknown) }
    guard current.row == row else { return .failure(.bound(current.id)) }
    guard current.ending == nil || hasRoom(for: 1, mostOpen) else { return .failure(.noCapacity) }
    // Its time may be over without anybody having noted that.
    try end(current, current.ending(now: now) ?? .refreshed, .succeeded, now: now)
    try keySessions.releaseKey(of: row)
    guard current.taskID == new.taskID else { return .success(try start(new, now: now)) }
    let (_, attempt) = try startAttempt(of: current.rolloutID, worker: nil, now: Self.seconds(now))
    return .success(try keySessions.add(new, attempt: attempt.id, now: now))
  }

  func endSession(_ row: Int64, now: Int64) throws -> Result<KeySession, SessionKeyFault> {
    guard let session = try keySessions.session(row) else { return .failure(.unknown) }
    // Its time may be over without anybody having noted that.
    try end(session, session.ending(now: now) ?? .finished, .succeeded, now: now)
    return try keySessions.session(row).map { .success($0) } ?? .failure(.unknown)
  }

  /// Ends a session that is open, and its attempt.
  private func end(_ session: KeySession, _ ending: KeySession.Ending, _ status: AttemptStatus, now: Int64) throws {
    guard session.ending == nil else { return }
    // First, so that the end of the attempt finds nothing open.
    try keySessions.end(session.row, ending, now: now)
    var change = AttemptChange()
    change.status = ending == .expired || ending == .idle ? .timeout : status
    _ = try update(attempt: .id(session.attemptID), of: session.rolloutID, change, now: Self.seconds(now))
  }

  /// - Parameter age: Nanoseconds for which sessions that have ended are kept.
  func sweepSessions(keepingEndedFor age: Int64, atMost count: Int, now: Int64) throws {
    for row in keySessions.openRows() {
      guard let session = try keySessions.session(row), let ending = session.ending(now: now) else { continue }
      try end(session, ending, .timeout, now: now)
    }
    for row in try keySessions.outlived(before: now - age, atMost: count, limit: Self.mostForgotten) {
      try keySessions.remove(row)
    }
  }

  private static func seconds(_ time: Int64) -> Double { Double(time) / 1e9 }
}
