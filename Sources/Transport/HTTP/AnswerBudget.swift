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

  /// Whether no further answer should begin.
  fileprivate var isExhausted: Bool { usedBytes >= limit }

  /// Whether answers should be rendered only as they are sent, and not ahead.
  fileprivate var isScarce: Bool { usedBytes >= limit / 2 }

  fileprivate func change(by bytes: Int) { used.wrappingAdd(bytes, ordering: .relaxed) }
}

/// What the answers of one connection hold of the budget.
package final class AnswerAllowance: Sendable {
  /// What an answer is taken to hold before its first piece is there: the size of most first pieces.
  private static let expectedBytes = 256 << 10

  private struct State {
    var heldBytes = 0
    /// Answers that may not begin yet.
    var waiting: [CheckedContinuation<Void, Never>] = []
  }

  private let budget: AnswerBudget
  private let state = Locked(State())

  package init(_ budget: AnswerBudget) { self.budget = budget }

  /// Waits until the other answers of the connection leave room for one more.
  ///
  /// One answer alone never waits. How long the others can hold their bytes is bounded: the connection ends those that
  /// their client does not read.
  package func lease() async -> Lease {
    await withCheckedContinuation { continuation in
      let mayBegin = state.withLock { state in
        guard state.waiting.isEmpty, hasRoom(state) else {
          state.waiting.append(continuation)
          return false
        }
        state.heldBytes += Self.expectedBytes
        return true
      }
      if mayBegin { continuation.resume() }
    }
    return Lease(self)
  }

  private func hasRoom(_ state: State) -> Bool {
    state.heldBytes == 0 || state.heldBytes + Self.expectedBytes <= budget.connectionShare
  }

  private func change(by bytes: Int) {
    let ready = state.withLock { state in
      state.heldBytes += bytes
      var ready: [CheckedContinuation<Void, Never>] = []
      while !state.waiting.isEmpty && hasRoom(state) {
        state.heldBytes += Self.expectedBytes
        ready.append(state.waiting.removeFirst())
      }
      return ready
    }
    for continuation in ready { continuation.resume() }
  }

  /// What one answer holds; given back with the last reference.
  package final class Lease: Sendable {
    private struct State {
      /// `nil` before the first piece.
      var bytes: Int?
    }

    private let allowance: AnswerAllowance
    private let state = Locked(State())

    fileprivate init(_ allowance: AnswerAllowance) { self.allowance = allowance }

    deinit {
      let bytes = state.withLock { $0.bytes }
      allowance.budget.change(by: -(bytes ?? 0))
      allowance.change(by: -(bytes ?? AnswerAllowance.expectedBytes))
    }

    /// Says how many bytes the answer holds from now on.
    package func hold(_ bytes: Int) {
      // The counts of the budget change under the lock, so that two threads cannot leave the wrong one.
      state.withLock { state in
        allowance.budget.change(by: bytes - (state.bytes ?? 0))
        allowance.change(by: bytes - (state.bytes ?? AnswerAllowance.expectedBytes))
        state.bytes = bytes
      }
    }

    /// Whether an answer that has not begun should be refused.
    package var isRefused: Bool { allowance.budget.isExhausted }

    /// Whether the answer should be rendered only as its client takes it.
    package var isScarce: Bool {
      allowance.budget.isScarce
        || allowance.state.withLock { $0.heldBytes } >= allowance.budget.connectionShare
    }
  }
}
