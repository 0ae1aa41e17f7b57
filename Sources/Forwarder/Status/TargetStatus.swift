internal import Threads
package import TraceStore

/// How a target is doing, readable from any thread.
package final class TargetStatus: Sendable {
  package enum State: String, CaseIterable, Sendable {
    /// It takes spans.
    case up
    /// It does not; a wait is under way.
    case down
    /// It is being tried.
    case probing
  }

  package struct Fault: Sendable {
    package var message: String
    /// Nanoseconds since 1970.
    package var time: Int64
  }

  package struct Snapshot: Sendable {
    package var state = State.probing
    package var position: ForwardPosition
    /// Since the target was first configured.
    package var counts: ForwardCounts
    /// Since the program started, like the next.
    package var retries: UInt64 = 0
    package var requests: UInt64 = 0
    package var bytes: UInt64 = 0
    package var lastFault: Fault?
    /// When it is tried again, while it is down; nanoseconds since 1970.
    package var nextTry: Int64?
    /// When the oldest span that is not delivered arrived; nanoseconds since 1970.
    package var oldestArrival: Int64?
  }

  private let state: Locked<Snapshot>

  /// Nothing is known of the target until the store says how far it has got.
  init(lastArrival: Int64) {
    let position = ForwardPosition(cursor: lastArrival, floor: lastArrival, ordered: lastArrival)
    state = Locked(Snapshot(position: position, counts: ForwardCounts()))
  }

  func begin(_ record: ForwarderRecord) {
    state.withLock { state in
      state.position = record.position
      state.counts = record.counts
    }
  }

  package var snapshot: Snapshot { state.withLock { $0 } }

  /// Notes that something is sent.
  func willSend(bytes: Int) {
    state.withLock { state in
      if state.state == .down { state.state = .probing }
      state.nextTry = nil
      state.requests += 1
      state.bytes += UInt64(bytes)
    }
  }

  /// - Returns: Whether it did not work before.
  func works() -> Bool {
    state.withLock { state in
      defer { state.state = .up }
      return state.state != .up && state.lastFault != nil
    }
  }

  /// - Returns: Whether it worked before.
  func fails(_ message: String, now: Int64, nextTry: Int64) -> Bool {
    state.withLock { state in
      defer { state.state = .down }
      state.lastFault = Fault(message: message, time: now)
      state.nextTry = nextTry
      state.retries += 1
      return state.state == .up
    }
  }

  /// Notes why spans were given up.
  func refuses(_ message: String, now: Int64) {
    state.withLock { $0.lastFault = Fault(message: message, time: now) }
  }

  func advanced(to position: ForwardPosition, _ counts: ForwardCounts) {
    state.withLock { state in
      state.position = position
      state.counts += counts
    }
  }

  func waits(since arrival: Int64?) { state.withLock { $0.oldestArrival = arrival } }
}

extension TargetStatus.Snapshot {
  /// Spans that are not done.
  package func lag(lastArrival: Int64) -> Int64 { max(0, lastArrival - position.cursor) }

  /// How long the oldest of them has been there, in seconds.
  package func lagSeconds(lastArrival: Int64, now: Int64) -> Double {
    guard lag(lastArrival: lastArrival) > 0, let oldestArrival else { return 0 }
    return max(0, Double(now - oldestArrival) / 1e9)
  }
}
