import SQLite
import Synchronization
import Telemetry
import Threads
import TraceStore

/// The thread that writes: it takes all batches that wait as one transaction, and acknowledges them after the commit.
///
/// There is no timer. The next commit starts when the last one has ended, so that a batch waits for one or two commits
/// under any load, and the more there is to write, the more goes into one commit.
final class Writer: Sendable {
  /// Bytes of batches that one transaction takes.
  private static let groupBytes = 8 << 20
  /// How often a store that fails is tried again when nobody writes.
  private static let probeInterval = Duration.seconds(1)

  let queue: WriteQueue
  let status: StoreStatus
  private let path: String
  private let options: SQLiteStoreOptions
  private let recent: RecentTraces
  private let filter: TraceFilter
  private let checkpointer: Checkpointer

  init(
    path: String, options: SQLiteStoreOptions, recent: RecentTraces, filter: TraceFilter, status: StoreStatus,
    checkpointer: Checkpointer
  ) {
    self.path = path
    self.options = options
    self.recent = recent
    self.filter = filter
    self.status = status
    self.checkpointer = checkpointer
    queue = WriteQueue(limit: options.queueBytes)
  }

  /// Runs until the queue is closed and empty.
  ///
  /// - Parameter handOver: Holds the connection that the start of the store has opened.
  func run(_ handOver: HandOver) {
    var session = handOver.take()
    while true {
      switch queue.take(upTo: Self.groupBytes, waitingAtMost: Self.probeInterval) {
      case .batches(let group): write(group, &session)
      case .idle: if status.failure != nil { probe(&session) }
      case .closed:
        close(&session)
        return
      }
    }
  }

  private func close(_ session: inout WriterSession?) {
    checkpointer.stop()
    // An empty WAL is not needed for safety; it makes the folder one file that can be copied.
    if let session { _ = try? session.connection.checkpoint(.truncate) }
    session = nil
  }

  /// Finds out whether a store that failed works again.
  private func probe(_ session: inout WriterSession?) {
    write([], &session)
  }

  private func write(_ group: [PendingBatch], _ session: inout WriterSession?) {
    let started = ContinuousClock.now
    var results: [Result<AppendReceipt, StoreError>]
    do throws(StoreError) {
      results = try commit(group, &session).map { .success($0) }
      status.succeeded()
    } catch {
      results = recover(from: error, group, &session)
    }
    answer(group, results)
    status.commitLatency(started.duration(to: .now))
    // Behind the acknowledgements, so that nobody waits for it.
    if let session { checkpointer.didCommit(walBytes: session.connection.walBytes, session.connection) }
  }

  /// Answers the batches that are done, and lets the others wait for their next slice.
  private func answer(_ group: [PendingBatch], _ results: [Result<AppendReceipt, StoreError>]) {
    var done: [PendingBatch] = []
    var answers: [Result<AppendReceipt, StoreError>] = []
    for (var pending, result) in zip(group, results) {
      if case .success(let receipt) = result {
        let isDone = pending.isLastSlice
        pending.advance(receipt)
        guard isDone else {
          queue.putBack(pending)
          continue
        }
      }
      done.append(pending)
      answers.append(result.map { _ in pending.receipt })
    }
    // Room first: who is answered may send the next batch at once.
    queue.finish(done)
    for (pending, answer) in zip(done, answers) { pending.continuation.resume(returning: answer) }
  }

  /// Answers the batches of a transaction that failed.
  ///
  /// If one of them is to blame, each is tried alone, so that it fails alone.
  private func recover(
    from error: StoreError, _ group: [PendingBatch], _ session: inout WriterSession?
  ) -> [Result<AppendReceipt, StoreError>] {
    guard error.code == .refused, group.count > 1 else {
      if error.code != .refused { status.failed(error) }
      return group.map { _ in .failure(error) }
    }
    return group.map { pending in
      do throws(StoreError) {
        return .success(try commit([pending], &session)[0])
      } catch {
        if error.code != .refused { status.failed(error) }
        return .failure(error)
      }
    }
  }

  /// Stores batches in one transaction.
  private func commit(_ group: [PendingBatch], _ session: inout WriterSession?) throws(StoreError) -> [AppendReceipt] {
    do {
      let open = try session ?? reopen()
      session = open
      return try write(group, open)
    } catch let error as SQLiteError {
      let failure = StoreError(error)
      discard(&session, failure)
      throw failure
    } catch let error as StoreError {
      discard(&session, error)
      throw error
    } catch {
      // A batch whose bytes cannot be read back would be a fault of the scanner.
      let failure = StoreError(.refused, "the batch cannot be stored: \(error)")
      discard(&session, failure)
      throw failure
    }
  }

  private func write(_ group: [PendingBatch], _ session: WriterSession) throws -> [AppendReceipt] {
    let received = options.now()
    try session.beginTransaction()
    let receipts = try group.map { try session.append($0.batch, segments: $0.slice, received: received) }
    if group.isEmpty { session.touch() }
    try session.commit(received: received)
    return receipts
  }

  /// Opens the database after a failure.
  ///
  /// After a sync that failed, the WAL may hold commits that are in the kernel's memory and will never be on the disk.
  /// Copying them into the database file writes and syncs them anew, before other commits build on them.
  private func reopen() throws -> WriterSession {
    let session = try WriterSession(path: path, options, recent: recent, filter: filter)
    try session.connection.checkpoint(.truncate)
    return session
  }

  /// Gives up what was remembered of a transaction that failed.
  ///
  /// The COMMIT itself is never repeated: whether it came through is not known. The batches are answered as failed, and
  /// when they are sent again they are found or stored.
  private func discard(_ session: inout WriterSession?, _ error: StoreError) {
    guard let failed = session else { return }
    if error.endsConnection {
      failed.connection.keepWALOnClose()
    } else {
      failed.rollBack()
    }
    session = nil
    // Readers go on to use what is remembered of traces; they check each entry against their snapshot.
    if error.endsConnection { status.connectionsAreStale() }
  }
}
