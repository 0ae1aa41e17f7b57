import CUV
import Glibc
import Synchronization
import Threads

/// One libuv loop on a thread of its own, and the executor of everything that belongs to the loop.
///
/// An actor that returns the loop from `unownedExecutor` runs on the loop's thread, and so does the nonisolated code of
/// a task that prefers the loop. Such code must not block: its thread serves every connection of the loop.
///
/// The owner calls ``stop()`` after it has closed what it opened on the loop.
@safe package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
  /// What runs on the loop: a job of the concurrency runtime or a plain closure.
  private enum Work {
    case job(UnownedJob)
    case closure(@Sendable () -> Void)
  }

  /// What other threads hand to the loop.
  private struct Inbox {
    var work: [Work] = []
    var isStopping = false
    var hasEnded = false
    var stopWaiters: [CheckedContinuation<Void, Never>] = []
  }

  /// The name of the loop and of its thread.
  package let name: String

  // Unchecked Sendable: `inbox` has a lock, `threadID` and `load` are atomic, and all other mutable state is touched on
  // the loop's thread alone, after `start` has published it by creating the thread.
  private let inbox = Locked(Inbox())
  private let threadID = Atomic<UInt>(0)
  /// Connections that live on the loop or are on their way to it.
  let load = Atomic<Int>(0)

  let handles: LoopHandles
  /// Jobs in order of arrival; those before `firstWaiting` have run.
  private var queue: [Work] = []
  private var firstWaiting = 0
  /// Between a call and its answer, and between an answer and the next call, of clients and providers that are near.
  private var shortWaits = ShortWaits(limit: .microseconds(120))
  private var turnEnders: [any TurnEndListener] = []
  private var sleepers: [ObjectIdentifier: LoopSleeper] = [:]
  private var isolationStorage: LoopIsolation?

  /// After this many jobs the loop looks at its sockets and timers again, so that jobs which queue further jobs cannot
  /// starve them.
  private static let jobsPerTurn = 1024

  /// Creates a loop and starts its thread.
  package init(name: String) throws(TransportError) {
    self.name = name
    handles = try LoopHandles()
    isolationStorage = LoopIsolation(loop: self)
    handles.attach(to: self)
    do throws(TransportError) {
      try startThread()
    } catch {
      handles.closeAll()
      handles.run()
      throw error
    }
  }

  /// The isolation domain whose code runs on this loop.
  package var isolation: LoopIsolation { isolationStorage! }

  /// Whether the caller runs on the loop's thread.
  package var isOnLoop: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

  /// Milliseconds of a monotonic clock, as of the start of the loop's current turn.
  var now: UInt64 { handles.now }

  // MARK: Work

  /// Runs `body` on the loop, after the work that is already queued.
  ///
  /// After the loop has ended, `body` is dropped.
  package func execute(_ body: @escaping @Sendable () -> Void) { enqueue(.closure(body)) }

  /// Queues a job of the concurrency runtime.
  ///
  /// A job that comes after the loop has ended never runs: its task stays suspended.
  package func enqueue(_ job: consuming ExecutorJob) { enqueue(.job(UnownedJob(job))) }

  private func enqueue(_ work: Work) {
    if isOnLoop {
      queue.append(work)
      return
    }
    inbox.withLock { inbox in
      guard !inbox.hasEnded else { return }
      inbox.work.append(work)
      // Under the lock, because the handle may be closed once `hasEnded` is set.
      if inbox.work.count == 1 { handles.wake() }
    }
  }

  /// Calls `listener` once when the jobs of the current turn have run.
  ///
  /// Output collected during a turn leaves in one write this way.
  func atEndOfTurn(_ listener: any TurnEndListener) { turnEnders.append(listener) }

  /// Runs what is queued; libuv calls it before and after it waits for events.
  func runQueue() {
    takeInbox()
    if firstWaiting < queue.count { shortWaits.workCame() }
    var budget = Self.jobsPerTurn
    while firstWaiting < queue.count && budget > 0 {
      run(queue[firstWaiting])
      firstWaiting += 1
      budget -= 1
    }
    if firstWaiting == queue.count {
      queue.removeAll(keepingCapacity: true)
      firstWaiting = 0
    } else if firstWaiting >= Self.jobsPerTurn {
      queue.removeSubrange(0..<firstWaiting)
      firstWaiting = 0
    }
    endTurn()
    if endIfStopping() { return }
    guard firstWaiting == queue.count else { return handles.setBusy(true) }
    let staysAwake = shortWaits.staysAwake()
    handles.setBusy(staysAwake)
    if staysAwake { sched_yield() }
  }

  private func run(_ work: Work) {
    switch work {
    case .job(let job):
      unsafe job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
    case .closure(let body): body()
    }
  }

  private func takeInbox() {
    inbox.withLock { inbox in
      guard !inbox.work.isEmpty else { return }
      queue.append(contentsOf: inbox.work)
      inbox.work.removeAll(keepingCapacity: true)
    }
  }

  private func endTurn() {
    while !turnEnders.isEmpty {
      let listeners = turnEnders
      turnEnders.removeAll(keepingCapacity: true)
      for listener in listeners { listener.turnDidEnd() }
    }
  }

  // MARK: Sleeping

  func add(_ sleeper: LoopSleeper) { sleepers[ObjectIdentifier(sleeper)] = sleeper }

  func remove(_ sleeper: LoopSleeper) { sleepers[ObjectIdentifier(sleeper)] = nil }

  // MARK: Life

  /// Ends the thread once the queued work has run, and returns when it has ended.
  ///
  /// Sleeping tasks wake up with a `CancellationError`. Servers on the loop must have been shut down before: the loop
  /// runs until the last of its sockets is closed.
  package func stop() async {
    await withCheckedContinuation { continuation in
      let hasEnded = inbox.withLock { inbox in
        if inbox.hasEnded { return true }
        inbox.isStopping = true
        inbox.stopWaiters.append(continuation)
        handles.wake()
        return false
      }
      if hasEnded { continuation.resume() }
    }
  }

  /// - Returns: Whether the loop is stopping.
  private func endIfStopping() -> Bool {
    let (isStopping, hasEnded) = inbox.withLock { ($0.isStopping, $0.hasEnded) }
    // Once it has ended, its handles are closed.
    guard isStopping, !hasEnded else { return isStopping }
    for sleeper in sleepers.values { sleeper.cancel() }
    guard firstWaiting == queue.count else {
      handles.setBusy(true)
      return true
    }
    let ends = inbox.withLock { inbox in
      guard inbox.work.isEmpty else { return false }
      inbox.hasEnded = true
      return true
    }
    if ends { handles.closeAll() } else { handles.setBusy(false) }
    return true
  }

  private func startThread() throws(TransportError) {
    // The thread keeps the loop alive, because tasks hold their executor unowned.
    let retained = unsafe Unmanaged.passRetained(self)
    var thread = pthread_t()
    let code = unsafe pthread_create(&thread, nil, runLoopThread, retained.toOpaque())
    guard code == 0 else {
      unsafe retained.release()
      throw TransportError(errno: code, operation: "start the thread of loop \(name)")
    }
    pthread_detach(thread)
  }

  fileprivate func runThread() {
    threadID.store(UInt(pthread_self()), ordering: .relaxed)
    unsafe cuv_set_thread_name(name)
    blockBrokenPipeSignal()
    handles.run()
    let waiters = inbox.withLock { $0.stopWaiters }
    for waiter in waiters { waiter.resume() }
  }

  // MARK: Executor

  package func asUnownedSerialExecutor() -> UnownedSerialExecutor {
    unsafe UnownedSerialExecutor(complexEquality: self)
  }

  package func isSameExclusiveExecutionContext(other: EventLoop) -> Bool { self === other }

  package func isIsolatingCurrentContext() -> Bool? { isOnLoop }

  package func checkIsolated() {
    precondition(isOnLoop, "this belongs to the thread of event loop \(name)")
  }
}

/// Something that wants to act when the jobs of a turn have run.
protocol TurnEndListener: AnyObject {
  /// Called once for each call of `atEndOfTurn`.
  func turnDidEnd()
}

// A named function, because a closure written inside an isolated context would carry a check that traps here.
private func runLoopThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  let loop = unsafe Unmanaged<EventLoop>.fromOpaque(context!).takeRetainedValue()
  loop.runThread()
  return nil
}

/// Turns the signal of a write to a closed socket into the error that the write returns anyway.
///
/// libuv writes without `MSG_NOSIGNAL`. Blocking the signal in this thread leaves the rest of the process alone.
private func blockBrokenPipeSignal() {
  var signals = sigset_t()
  unsafe sigemptyset(&signals)
  unsafe sigaddset(&signals, SIGPIPE)
  unsafe pthread_sigmask(SIG_BLOCK, &signals, nil)
}
