import Synchronization
import Threads

/// Bytes of answers that are rendered and not sent yet, over all connections.
///
/// A client that asks and does not read would otherwise hold a piece or more of every answer that it asks for.
package final class AnswerBudget: Sendable {
  /// What one connection may hold of the budget, as a divisor: a few that do not read leave most of it to others.
  private static let sharesOfConnections = 8

  private let used = Atomic<Int>(0)
  private let limit: Int
  /// What the answers of one connection may hold before further ones wait, in bytes.
  fileprivate let connectionShare: Int

  package init(limit: Int) {
    self.limit = limit
    connectionShare = limit / Self.sharesOfConnections
  }

  /// What all answers hold.
  package var usedBytes: Int { used.load(ordering: .relaxed) }

  /// Whether others leave nothing for an answer that holds so many bytes itself.
  fileprivate func isExhausted(beside own: Int) -> Bool { usedBytes - own >= limit }

  /// Whether an answer that holds so many bytes itself should be rendered only as it is sent, and not ahead.
  fileprivate func isScarce(beside own: Int) -> Bool { usedBytes - own >= limit / 2 }

  fileprivate func change(by bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }
}

/// What the answers of one connection hold of the budget.
package final class AnswerAllowance: Sendable {
  /// What an answer is taken to hold before it is known: the size of most first pieces, in bytes.
  package static let usualBytes = 256 << 10

  /// What an answer that is made as a whole is taken to hold while its size is not known, in bytes: two of a connection
  /// are made at a time.
  package var unknownBytes: Int { max(Self.usualBytes, budget.connectionShare / 2) }

  private struct Waiter {
    var number: UInt64
    var expectedBytes: Int
    var continuation: CheckedContinuation<Bool, Never>
  }

  private struct State {
    var heldBytes = 0
    /// Answers that may not begin yet, in the order in which they came.
    var waiters: [Waiter] = []
    var lastNumber: UInt64 = 0
  }

  private let budget: AnswerBudget
  private let state = Locked(State())

  package init(_ budget: AnswerBudget) { self.budget = budget }

  /// Whether answers that hardly move keep others from being made.
  var isScarce: Bool { budget.isScarce(beside: 0) }

  /// Waits until the other answers of the connection leave room for one more.
  ///
  /// One answer alone never waits. The others hold their bytes for as long as their client reads on within the deadline
  /// for writing.
  ///
  /// - Parameter expectedBytes: What the answer is taken to hold until it says how much.
  /// - Returns: `nil` when the task was cancelled before.
  package func lease(expecting expectedBytes: Int = usualBytes) async -> Lease? {
    let number = state.withLock { state -> UInt64? in
      if state.waiters.isEmpty && hasRoom(expectedBytes, state) {
        state.heldBytes += expectedBytes
        return nil
      }
      state.lastNumber += 1
      return state.lastNumber
    }
    if let number {
      let hasRoom = await withTaskCancellationHandler {
        await withCheckedContinuation { wait(Waiter(number: number, expectedBytes: expectedBytes, continuation: $0)) }
      } onCancel: {
        stopWaiting(number)
      }
      guard hasRoom else { return nil }
    }
    return Lease(self, expecting: expectedBytes)
  }

  private func hasRoom(_ bytes: Int, _ state: State) -> Bool {
    state.heldBytes == 0 || state.heldBytes + bytes <= budget.connectionShare
  }

  private func wait(_ waiter: Waiter) {
    let ready = state.withLock { state in
      state.waiters.append(waiter)
      return takeReady(&state)
    }
    for one in ready { one.continuation.resume(returning: true) }
    // A task that was cancelled before has looked for its waiter in vain.
    if Task.isCancelled { stopWaiting(waiter.number) }
  }

  private func stopWaiting(_ number: UInt64) {
    let found = state.withLock { state in
      state.waiters.firstIndex { $0.number == number }.map { state.waiters.remove(at: $0) }
    }
    found?.continuation.resume(returning: false)
  }

  private func change(by bytes: Int) {
    let ready = state.withLock { state in
      state.heldBytes += bytes
      return takeReady(&state)
    }
    for waiter in ready { waiter.continuation.resume(returning: true) }
  }

  /// Answers that wait for room.
  var waitingCount: Int { state.withLock { $0.waiters.count } }

  /// Takes those out who have room now.
  private func takeReady(_ state: inout State) -> [Waiter] {
    var count = 0
    while count < state.waiters.count, hasRoom(state.waiters[count].expectedBytes, state) {
      state.heldBytes += state.waiters[count].expectedBytes
      count += 1
    }
    guard count > 0 else { return [] }
    defer { state.waiters.removeFirst(count) }
    return Array(state.waiters[..<count])
  }

  /// What one answer holds; given back with the last reference.
  package final class Lease: Sendable {
    private struct State {
      /// What counts against the share of the connection.
      var expectedBytes: Int
      /// `nil` before the first piece.
      var bytes: Int?

      var countedBytes: Int { bytes ?? expectedBytes }
    }

    private let allowance: AnswerAllowance
    private let state: Locked<State>

    fileprivate init(_ allowance: AnswerAllowance, expecting bytes: Int) {
      self.allowance = allowance
      state = Locked(State(expectedBytes: bytes))
    }

    deinit {
      let last = state.withLock { $0 }
      allowance.budget.change(by: -(last.bytes ?? 0))
      allowance.change(by: -last.countedBytes)
    }

    /// Says how many bytes the answer holds from now on.
    package func hold(_ bytes: Int) {
      // The counts of the budget change under the lock, so that two threads cannot leave the wrong one.
      state.withLock { state in
        allowance.budget.change(by: bytes - (state.bytes ?? 0))
        allowance.change(by: bytes - state.countedBytes)
        state.bytes = bytes
      }
    }

    /// Whether the answers of others leave nothing for this one.
    ///
    /// Small answers are made nevertheless; see ``AnswerAllowance/usualBytes``.
    package var isRefused: Bool { allowance.budget.isExhausted(beside: state.withLock { $0.bytes ?? 0 }) }

    /// Whether the answer should be rendered only as its client takes it.
    package var isScarce: Bool {
      let own = state.withLock { $0 }
      return allowance.budget.isScarce(beside: own.bytes ?? 0)
        || allowance.state.withLock { $0.heldBytes } - own.countedBytes >= allowance.budget.connectionShare
    }
  }
}
