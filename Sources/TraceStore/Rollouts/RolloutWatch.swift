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

  /// Waits until each of the rollouts has finished.
  ///
  /// Once one was seen to have finished it is not waited for again, whatever becomes of it.
  ///
  /// - Parameters:
  ///   - ids: The rollouts.
  ///   - deadline: When to give up; `nil` = never.
  ///   - sleep: Returns when the time is over, at once when the task is cancelled.
  ///   - look: Tells from the store which of some rollouts are still to finish.
  /// - Returns: Those that are still to finish: none, or the time was over, or the task was cancelled, or the watch was
  ///   closed.
  package func wait<Failure>(
    for ids: Set<ExactText>, until deadline: ContinuousClock.Instant?,
    sleep: @escaping @Sendable (Duration) async -> Void,
    look: (Set<ExactText>) async throws(Failure) -> Set<ExactText>
  ) async throws(Failure) -> Set<ExactText> {
    // Most that ask need not wait, and of those that do, most ids are known to have finished.
    var pending = try await look(ids)
    while !pending.isEmpty {
      guard rest(until: deadline) > .zero, !Task.isCancelled, !isClosed else { break }
      // Known before the look at the store, so that nothing is missed in between.
      let waiter = RolloutWaiter()
      let awaited = pending
      add(waiter, awaited)
      defer { remove(waiter, awaited) }
      pending = try await look(awaited)
      if pending.isEmpty || isClosed { break }
      await wait(waiter, for: pending, rest(until: deadline), sleep)
      pending = try await look(pending)
    }
    return pending
  }

  private func rest(until deadline: ContinuousClock.Instant?) -> Duration {
    deadline.map { ContinuousClock.now.duration(to: $0) } ?? Self.longest
  }

  private func wait(
    _ waiter: RolloutWaiter, for pending: Set<ExactText>, _ time: Duration,
    _ sleep: @escaping @Sendable (Duration) async -> Void
  ) async {
    state.withLock { $0.waits += 1 }
    defer { state.withLock { $0.waits -= 1 } }
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await sleep(time)
        waiter.wake()
      }
      await waiter.wait(for: pending)
      group.cancelAll()
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

  /// Has everybody who waits look at the store again.
  package func lookAgain() {
    let woken = state.withLock { state in state.waiters.values.flatMap { Array($0.values) } }
    for waiter in woken { waiter.wake() }
  }

  /// Ends all waits, also those to come: the server stops.
  package func close() {
    state.withLock { $0.isClosed = true }
    lookAgain()
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
