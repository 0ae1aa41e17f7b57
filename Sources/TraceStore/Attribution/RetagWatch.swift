import Threads

/// The last changes of tags of stored spans, and those who wait for the next.
///
/// A subscriber that does not keep up, or that comes from another run of the program, is told that it has lost some: it
/// reads its rollouts again. One who waits is an entry in a table: it costs memory, but no time and no thread.
package final class RetagWatch: Sendable {
  /// Changes that are kept.
  package static let capacity = 10_000

  /// What a subscriber is answered with.
  package struct Page: Sendable {
    /// Changes after the cursor, in their order; none when some were lost.
    package var retags: [Retag]
    /// Where to go on.
    package var next: RetagCursor
    package var isLost: Bool
  }

  private struct State {
    /// Changes, each at its number modulo the capacity; empty until there is one.
    var ring: [Retag?] = []
    /// The numbers of the oldest that is kept and of the newest.
    var oldest: Int64 = 1
    var newest: Int64 = 0
    /// Whether a transaction that failed may be there after all.
    var isInDoubt = false
    var waiters: [ObjectIdentifier: RetagWaiter] = [:]
    var isClosed = false
    var isFollowed = false

    /// Has everybody lose what came so far and the `count` changes after it.
    mutating func skip(_ count: Int64) {
      newest += count
      oldest = newest + 1
    }

    mutating func append(_ retag: Retag, _ capacity: Int64) {
      if ring.isEmpty { ring = Array(repeating: nil, count: Int(capacity)) }
      newest += 1
      oldest = max(oldest, newest - capacity + 1)
      let slot = Int(newest % capacity)
      ring[slot] = retag
      ring[slot]?.number = newest
    }

    mutating func takeWaiters() -> [RetagWaiter] {
      if waiters.isEmpty { return [] }
      defer { waiters = [:] }
      return Array(waiters.values)
    }
  }

  private let state = Locked(State())
  private let capacity: Int64
  private let epoch: UInt64

  /// - Parameter epoch: Tells the runs of the program apart.
  package init(capacity: Int = RetagWatch.capacity, epoch: UInt64 = .random(in: .min ... .max)) {
    self.capacity = Int64(capacity)
    self.epoch = epoch
  }

  // MARK: The writer

  /// Whether anybody has asked since the program started: without that, nobody can ask for what is published.
  package var isFollowed: Bool { state.withLock { $0.isFollowed } }

  /// Adds what a transaction has changed, after its commit.
  package func publish(_ batch: RetagBatch) {
    guard !batch.isEmpty else { return }
    changeAndWake { state in
      if batch.dropped > 0 { state.skip(batch.dropped) }
      for retag in batch.retags { state.append(retag, capacity) }
    }
  }

  /// Notes that a transaction with changes has failed, and may be there after all.
  package func doubt() { state.withLock { $0.isInDoubt = true } }

  /// Has subscribers read again what a transaction in doubt may have changed; it is there now or never.
  package func settleDoubt() {
    changeAndWake { state in
      if state.isInDoubt { state.skip(1) }
      state.isInDoubt = false
    }
  }

  /// Ends all waits, also those to come: the server stops.
  package func close() { changeAndWake { $0.isClosed = true } }

  /// Waiters wake when there is something new, or nothing to wait for.
  private func changeAndWake(_ change: (inout State) -> Void) {
    let woken = state.withLock { state -> [RetagWaiter] in
      let before = state.newest
      change(&state)
      return state.newest > before || state.isClosed ? state.takeWaiters() : []
    }
    for waiter in woken { waiter.wake() }
  }

  // MARK: Subscribers

  /// Whether waits end early because the server stops.
  package var isClosed: Bool { state.withLock { $0.isClosed } }

  /// How many wait.
  package var waits: Int { state.withLock { $0.waiters.count } }

  /// What came after a cursor.
  ///
  /// - Parameter cursor: `nil` = now.
  package func page(after cursor: RetagCursor?, limit: Int) -> Page {
    state.withLock { state in
      state.isFollowed = true
      let newest = RetagCursor(epoch: epoch, number: state.newest)
      guard let cursor else { return Page(retags: [], next: newest, isLost: false) }
      guard cursor.epoch == epoch, (state.oldest - 1...state.newest).contains(cursor.number) else {
        return Page(retags: [], next: newest, isLost: true)
      }
      let last = min(state.newest, cursor.number + Int64(limit))
      var retags: [Retag] = []
      retags.reserveCapacity(Int(last - cursor.number))
      for number in cursor.number..<last {
        if let retag = state.ring[Int((number + 1) % capacity)] { retags.append(retag) }
      }
      return Page(retags: retags, next: RetagCursor(epoch: epoch, number: last), isLost: false)
    }
  }

  /// What came after a cursor; waits for it if there is nothing yet.
  ///
  /// - Parameters:
  ///   - time: How long to wait. The wait ends early when the task is cancelled or the watch is closed.
  ///   - sleep: Returns when the time is over, at once when the task is cancelled.
  package func page(
    after cursor: RetagCursor, limit: Int, waitingAtMost time: Duration,
    sleep: @escaping @Sendable (Duration) async -> Void
  ) async -> Page {
    let found = page(after: cursor, limit: limit)
    guard found.retags.isEmpty, !found.isLost, time > .zero else { return found }
    let waiter = RetagWaiter()
    // Nothing is missed: what came in between keeps the waiter out of the table.
    if add(waiter, after: cursor.number) {
      await withTaskGroup(of: Void.self) { group in
        group.addTask {
          await sleep(time)
          waiter.wake()
        }
        await waiter.wait()
        group.cancelAll()
      }
      state.withLock { $0.waiters[ObjectIdentifier(waiter)] = nil }
    }
    return page(after: cursor, limit: limit)
  }

  /// - Returns: Whether there is something to wait for.
  private func add(_ waiter: RetagWaiter, after number: Int64) -> Bool {
    state.withLock { state in
      guard state.newest == number, !state.isClosed else { return false }
      state.waiters[ObjectIdentifier(waiter)] = waiter
      return true
    }
  }
}

/// One who waits for a change.
private final class RetagWaiter: Sendable {
  private enum State {
    case new
    case waiting(CheckedContinuation<Void, Never>)
    case woken
  }

  private let state = Locked(State.new)

  /// Returns when the waiter is woken, at once if it was.
  func wait() async {
    await withCheckedContinuation { continuation in
      let isWoken = state.withLock { state in
        guard case .new = state else { return true }
        state = .waiting(continuation)
        return false
      }
      if isWoken { continuation.resume() }
    }
  }

  func wake() {
    let continuation = state.withLock { state -> CheckedContinuation<Void, Never>? in
      defer { state = .woken }
      if case .waiting(let continuation) = state { return continuation }
      return nil
    }
    continuation?.resume()
  }
}
