package import GenAI
package import Logging
import Telemetry
import Threads
package import TraceStore

/// Makes spans of calls and stores them, on a thread of its own: nothing here can delay, alter or break an answer.
///
/// Relay -> ``post(_:)`` -> this thread reads the answers and composes spans -> batches -> the store. What waits is
/// bounded by ``RecordingMemory``; what finds no room is counted and not recorded.
package final class Recorder: Sendable {
  /// What the relay and the store tell the thread.
  enum Update: Sendable {
    case part(CallRecord, CallRecord.Part)
    case sequence(CallRecord, Int64?)
    case appended(SpanSpool.Batch, StoreError?)
    case flush(CheckedContinuation<Void, Never>)
  }

  private struct State {
    var updates: [Update] = []
    /// Something of it should not wait for more.
    var isUrgent = false
    var isClosing = false
    var hasEnded = false
    var endWaiters: [CheckedContinuation<Void, Never>] = []
  }

  /// How long updates are collected: a thread that wakes up for each of them would take the cores away from the calls
  /// that are under way.
  private static let collectionTime = Duration.milliseconds(10)
  /// So many are not collected any longer.
  private static let collectionSize = 256

  let memory: RecordingMemory
  private let state = Monitor(State())
  private let metrics: ProxyMetrics

  package init(
    writer: any SpanWriter, composer: SpanComposer, memory: RecordingMemory, metrics: ProxyMetrics, logger: Logger
  ) {
    self.memory = memory
    self.metrics = metrics
    let worker = RecordingWorker(composer: composer, memory: memory, metrics: metrics, logger: logger)
    let state = state
    worker.append = { batch, spans in
      Task {
        do throws(StoreError) {
          _ = try await writer.append(spans)
          Self.post(.appended(batch, nil), state)
        } catch {
          Self.post(.appended(batch, error), state)
        }
      }
    }
    let handle = WorkerHandle(worker: worker)
    Thread(name: "llm-recorder") { Self.run(handle.worker, state) }.detach()
  }

  func post(_ update: Update) { Self.post(update, state) }

  private static func post(_ update: Update, _ state: Monitor<State>) {
    state.updateForOne { state in
      state.updates.append(update)
      let wasUrgent = state.isUrgent
      state.isUrgent = wasUrgent || update.isUrgent
      return state.updates.count == 1 || state.updates.count == collectionSize || state.isUrgent && !wasUrgent
    }
  }

  /// Returns when all calls that are over by now are stored, or could not be.
  package func flush() async {
    await withCheckedContinuation { post(.flush($0)) }
  }

  /// Stores what there is and ends the thread; later updates are lost.
  package func close() async {
    await flush()
    await withCheckedContinuation { continuation in
      state.update { state in
        if state.hasEnded {
          continuation.resume()
        } else {
          state.isClosing = true
          state.endWaiters.append(continuation)
        }
        return true
      }
    }
  }

  private static func run(_ worker: RecordingWorker, _ state: Monitor<State>) {
    while true {
      let (updates, isClosing) = take(state, worker.patience)
      for update in updates { worker.apply(update) }
      worker.sendWaiting()
      if updates.isEmpty && isClosing { break }
    }
    let waiters = state.withLock { state in
      state.hasEnded = true
      return state.endWaiters
    }
    for waiter in waiters { waiter.resume() }
  }

  /// Waits for updates, and a moment for more of them; with something to try again, not for longer than its delay.
  private static func take(_ state: Monitor<State>, _ patience: Duration?) -> ([Update], Bool) {
    let isThere: (State) -> Bool = { !$0.updates.isEmpty || $0.isClosing }
    if let patience {
      state.wait(atMost: patience, until: isThere) { _ in }
    } else {
      state.wait(until: isThere) { _ in }
    }
    let isEnough: (State) -> Bool = { $0.updates.count >= collectionSize || $0.isUrgent || $0.isClosing }
    let time = patience.map { min($0, collectionTime) } ?? collectionTime
    return state.wait(atMost: time, until: isEnough) { state in
      let updates = state.updates
      state.updates = []
      state.isUrgent = false
      return (updates, state.isClosing)
    }
  }
}

extension Recorder.Update {
  /// Whether somebody waits for it, or memory does.
  fileprivate var isUrgent: Bool {
    switch self {
    case .part(_, let part): part.end == nil
    case .appended, .flush: true
    case .sequence: false
    }
  }
}

/// Hands the worker to its thread, the only one that touches it.
private struct WorkerHandle: @unchecked Sendable {
  let worker: RecordingWorker
}
