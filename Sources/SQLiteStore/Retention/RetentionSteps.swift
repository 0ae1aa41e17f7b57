import Threads
import TraceStore

/// Has the writer do small steps, one after the other, with pauses that leave most of its time to spans.
///
/// Used by one thread.
final class RetentionSteps {
  /// How long a step shall take on the writer.
  ///
  /// Longer ones leave those who were answered waiting, and the loops without work.
  private static let target = Duration.milliseconds(2)
  /// Pauses are this many times as long as steps.
  private static let pause = 4
  private static let workPause = 2
  private static let busyBytes = 256 << 10
  private static let budgets = 64...16_384

  private let queue: WriteQueue
  /// Returns early when the store closes.
  private let wait: (Duration) -> Void
  /// Spans that a step takes.
  private(set) var budget = 1_000
  /// Whether steps follow each other without pauses.
  var isUrgent = false
  /// Called after each step that is not urgent, for what cannot wait until the pass ends.
  var afterStep: (() throws(StoreError) -> Void)?

  init(queue: WriteQueue, wait: @escaping (Duration) -> Void) {
    self.queue = queue
    self.wait = wait
  }

  /// Whether so much waits for the writer that what can wait should.
  var isBusy: Bool { queue.byteCount > Self.busyBytes }

  /// Works beside the writer, and leaves the processor to others for a while.
  func working<Value>(_ body: () throws -> Value) rethrows -> Value {
    let started = ContinuousClock.now
    defer { if !isUrgent { wait(started.duration(to: .now) * Self.workPause) } }
    return try body()
  }

  /// Does a step, and adapts the next ones to the time it took.
  func step<Value: Sendable>(
    _ body: @escaping @Sendable (WriterSession, _ received: Int64) throws -> Value
  ) throws(StoreError) -> Value {
    let (value, duration) = try perform(body)
    let next = duration > Self.target ? budget / 2 : duration * 2 < Self.target ? budget * 2 : budget
    budget = min(max(next, Self.budgets.lowerBound), Self.budgets.upperBound)
    guard !isUrgent else { return value }
    wait(duration * Self.pause)
    try afterStep?()
    return value
  }

  private func perform<Value: Sendable>(
    _ body: @escaping @Sendable (WriterSession, _ received: Int64) throws -> Value
  ) throws(StoreError) -> (Value, Duration) {
    let outcome = Monitor<Result<(Value, Duration), StoreError>?>(nil)
    let command = PendingCommand(byteCount: 512, isBackground: true) { session, received in
      let started = ContinuousClock.now
      let value = try body(session, received)
      let duration = started.duration(to: .now)
      return {
        outcome.update { result in
          result = .success((value, duration))
          return true
        }
      }
    } fail: { error in
      outcome.update { result in
        result = .failure(error)
        return true
      }
    }
    try queue.add(.command(command))
    let result = outcome.wait(until: { $0 != nil }) { $0 }
    guard let result else { throw StoreError(.closing, "the store is closing") }
    return try result.get()
  }
}
