extension EventLoop {
  /// Suspends the task for `duration`, without a thread that waits.
  ///
  /// Unlike `Task.sleep` it needs no timer thread of the runtime. Ends early, with a `CancellationError`, when the task
  /// is cancelled or the loop stops.
  package func sleep(for duration: Duration) async throws(CancellationError) {
    let sleeper = LoopSleeper(loop: self)
    let isCancelled = await withTaskCancellationHandler {
      await sleeper.wait(duration.wholeMilliseconds, on: isolation)
    } onCancel: {
      execute { sleeper.cancel() }
    }
    if isCancelled { throw CancellationError() }
  }
}

/// One task that sleeps on a loop.
///
/// Unchecked Sendable: its state is touched on the loop's thread alone.
final class LoopSleeper: @unchecked Sendable {
  private let loop: EventLoop
  private var timer: LoopTimer?
  private var continuation: CheckedContinuation<Bool, Never>?
  private var isCancelled = false

  init(loop: EventLoop) { self.loop = loop }

  /// Returns when the time is over, or earlier with `true` when the sleeper was cancelled.
  func wait(_ milliseconds: UInt64, on isolation: isolated LoopIsolation) async -> Bool {
    if isCancelled || Task.isCancelled { return true }
    return await withCheckedContinuation { continuation in
      self.continuation = continuation
      let timer = LoopTimer(loop: loop) { [weak self] in self?.finish(cancelled: false) }
      self.timer = timer
      timer.start(milliseconds: milliseconds)
      loop.add(self)
    }
  }

  func cancel() {
    isCancelled = true
    finish(cancelled: true)
  }

  private func finish(cancelled: Bool) {
    timer?.close()
    timer = nil
    loop.remove(self)
    continuation?.resume(returning: cancelled)
    continuation = nil
  }
}

extension Duration {
  /// The duration in milliseconds, rounded up so that a wait is never shorter than asked; 0 for negative ones.
  var wholeMilliseconds: UInt64 {
    let (seconds, attoseconds) = components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    let attosecondsPerMillisecond: Int64 = 1_000_000_000_000_000
    let fraction = (attoseconds + attosecondsPerMillisecond - 1) / attosecondsPerMillisecond
    // Longer than any process lives, and far from an overflow in libuv.
    let limit: Int64 = 1 << 40
    return UInt64(min(seconds, limit)) * 1000 + UInt64(fraction)
  }
}
