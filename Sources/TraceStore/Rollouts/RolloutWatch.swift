package import Telemetry
import Threads

/// Wakes those who wait for rollouts to finish.
///
/// A waiter is an entry in a table: it costs memory, but no time and no thread.
package final class RolloutWatch: Sendable {
  private let waiters = Locked<[ExactText: [ObjectIdentifier: RolloutWaiter]]>([:])

  package init() {}

  /// Waits until none of the rollouts is pending any more.
  ///
  /// - Parameters:
  ///   - ids: The rollouts.
  ///   - deadline: When to give up; `nil` = never.
  ///   - sleep: Returns when the time is over, at once when the task is cancelled.
  ///   - look: Tells from the store what to answer, and which of the rollouts are still to finish.
  /// - Returns: The answer of the last look: nothing was pending in it, or the time was over, or the task was cancelled.
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
      if pending.isEmpty || rest <= .zero || Task.isCancelled { return answer }
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          await sleep(rest)
          waiter.wake()
        }
        await waiter.wait(for: pending)
        group.cancelAll()
      }
    }
  }

  private static let longest = Duration.seconds(1 << 30)

  /// Says that rollouts have finished.
  package func finished(_ ids: [String]) {
    for id in ids {
      let woken = waiters.withLock { waiters in waiters[ExactText(id)].map { Array($0.values) } ?? [] }
      for waiter in woken { waiter.finished(ExactText(id)) }
    }
  }

  /// Rollouts that are waited for.
  package var count: Int { waiters.withLock { $0.count } }

  private func add(_ waiter: RolloutWaiter, _ ids: Set<ExactText>) {
    waiters.withLock { waiters in
      for id in ids { waiters[id, default: [:]][ObjectIdentifier(waiter)] = waiter }
    }
  }

  private func remove(_ waiter: RolloutWaiter, _ ids: Set<ExactText>) {
    waiters.withLock { waiters in
      for id in ids {
        waiters[id]?[ObjectIdentifier(waiter)] = nil
        if waiters[id]?.isEmpty == true { waiters[id] = nil }
      }
    }
  }
}
