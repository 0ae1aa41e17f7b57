package import Telemetry
import Threads

/// Wakes those who wait for rollouts to finish.
///
/// A waiter is an entry in a table: it costs memory, but no time and no thread.
package final class RolloutWatch: Sendable {
  private struct State {
    var waiters: [ExactText: [ObjectIdentifier: RolloutWaiter]] = [:]
    var waits = 0
    var isClosed = false
  }

  private let state = Locked(State())

  package init() {}

  /// Waits until none of the rollouts is pending any more.
  ///
  /// - Parameters:
  ///   - ids: The rollouts.
  ///   - deadline: When to give up; `nil` = never.
  ///   - sleep: Returns when the time is over, at once when the task is cancelled.
  ///   - look: Tells from the store what to answer, and which of the rollouts are still to finish.
  /// - Returns: The answer of the last look: nothing was pending in it, or the time was over, or the
  ///   task was cancelled, or the watch was closed.
  package func wait<Answer: Sendable, Failure>(
    for ids: Set<ExactText>, until deadline: ContinuousClock.Instant?,
    sleep: @escaping @Sendable (Duration) async -> Void,
    look: () async throws(Failure) -> (answer: Answer, pending: Set<ExactText>)
  ) async throws(Failure) -> Answer {
    while true {
      // Known before the look at the store, so that nothing is missed in between.
      let waiter = RolloutWaiter()
      add(waiter, ids)
      defer { remove(waiter, ids) }
      let (answer, pending) = try await look()
      let rest = deadline.map { ContinuousClock.now.duration(to: $0) } ?? Self.longest
      if pending.isEmpty || rest <= .zero || Task.isCancelled || isClosed { return answer }
      state.withLock { $0.waits += 1 }
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          await sleep(rest)
          waiter.wake()
        }
        await waiter.wait(for: pending)
        group.cancelAll()
      }
      state.withLock { $0.waits -= 1 }
    }
  }

  private static let longest = Duration.seconds(1 << 30)

  /// Says that rollouts have finished.
  package func finished(_ ids: [String]) {
    for id in ids.map(ExactText.init) {
      let woken = state.withLock { state in state.waiters[id].map { Array($0.values) } ?? [] }
      for waiter in woken { waiter.finished(id) }
    }
  }

  /// Ends all waits, also those to come: the server stops.
  package func close() {
    let woken = state.withLock { state in
      state.isClosed = true
      return state.waiters.values.flatMap { Array($0.values) }
    }
    for waiter in woken { waiter.wake() }
  }

  /// Whether waits end early because the server stops.
  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// How many wait.
  package var waits: Int { state.withLock { $0.waits } }

  private func add(_ waiter: RolloutWaiter, _ ids: Set<ExactText>) {
    state.withLock { state in
      for id in ids { state.waiters[id, default: [:]][ObjectIdentifier(waiter)] = waiter }
    }
  }

  private func remove(_ waiter: RolloutWaiter, _ ids: Set<ExactText>) {
    state.withLock { state in
      for id in ids {
        state.waiters[id]?[ObjectIdentifier(waiter)] = nil
        if state.waiters[id]?.isEmpty == true { state.waiters[id] = nil }
      }
    }
  }
}
