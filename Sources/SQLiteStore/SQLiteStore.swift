import Glibc
import SQLite
package import Telemetry
import Threads
package import TraceStore

/// The embedded engine: one file, one thread that writes, a few that read.
package final class SQLiteStore: SpanWriter, SpanReader {
  /// What operators want to know.
  package struct Statistics: Sendable {
    /// Bytes of batches that wait or are being written.
    package var queueBytes: Int
    /// Bytes of the database file and of its WAL.
    package var databaseBytes: Int
    package var walBytes: Int
    /// Why the last write failed; `nil` when the store works.
    package var failure: StoreError?
  }

  private let folder: DataFolder
  private let writer: Writer
  private let readers: ReaderPool
  /// Reads for those who send spans on; `nil` when nobody does.
  let forwardReader: ReaderPool?
  private let status: StoreStatus
  private let filter: TraceFilter
  private let threads = Monitor(3)
  let retention: RetentionThread
  private let schedule: WatchdogSchedule
  /// The time, in nanoseconds since 1970.
  let now: @Sendable () -> Int64
  /// Tells when rollouts have finished.
  package let finishedRollouts = RolloutWatch()
  package let arrivals = ArrivalCount()
  /// Tells which stored spans are tagged anew.
  package let retags = RetagWatch()
  /// Finds sessions that are bound to keys.
  package let sessionKeys = SessionKeyIndex()

  /// Opens the store of a folder, and creates it when there is none.
  ///
  /// - Throws: A message for the operator: the folder is in use, cannot be written, holds a damaged file or one of a
  ///   newer version.
  package init(folder path: String, options: SQLiteStoreOptions = SQLiteStoreOptions()) throws(StoreError) {
    folder = try DataFolder(path: path)
    let databasePath = folder.databasePath
    let recent = RecentTraces()
    filter = TraceFilter(patience: options.traceIndex.searchesInVain)
    status = StoreStatus()
    schedule = WatchdogSchedule(debounce: options.watchdogDebounce)
    now = options.now
    let session = try Self.open(databasePath, options, recent, filter, schedule, sessionKeys)
    let checkpointer = Checkpointer(path: databasePath, options, status)
    let writer = Writer(
      path: databasePath, options: options, recent: recent, filter: filter, status: status,
      checkpointer: checkpointer, schedule: schedule, rolloutWatch: finishedRollouts, retagWatch: retags,
      sessionKeys: sessionKeys, arrivals: arrivals)
    arrivals.set(session.lastArrival)
    self.writer = writer
    readers = ReaderPool(path: databasePath, options: options, recent: recent, status: status)
    let retention = RetentionThread(
      path: databasePath, options: options, queue: writer.queue, recent: recent,
      walBytes: { Int64(Self.size(of: databasePath + "-wal")) })
    self.retention = retention
    forwardReader =
      options.forwards
      ? ReaderPool(
        path: databasePath, options: options, recent: recent, status: status, threads: 1, name: "forward-reader") : nil
    let threads = threads
    // The session is used by the writer's thread alone from here on.
    let handOver = HandOver(session)
    Thread(name: "writer") {
      writer.run(handOver)
      Self.end(threads)
    }.detach()
    Thread(name: "checkpointer") {
      checkpointer.run()
      Self.end(threads)
    }.detach()
    if options.retention != nil {
      Thread(name: "retention", niceness: RetentionThread.niceness) { retention.run() }.detach()
    }
    let loader = TraceFilterLoader(path: databasePath, vfs: options.vfs, filter: filter)
    Thread(name: "trace-filter") {
      loader.run()
      Self.end(threads)
    }.detach()
  }

  private static func open(
    _ path: String, _ options: SQLiteStoreOptions, _ recent: RecentTraces, _ filter: TraceFilter,
    _ schedule: WatchdogSchedule, _ sessionKeys: SessionKeyIndex
  ) throws(StoreError) -> WriterSession {
    do {
      let session = try WriterSession(path: path, options, recent: recent, filter: filter, schedule: schedule)
      filter.start(entries: session.lookedUpTraces)
      sessionKeys.replace(with: try session.rollouts.keySessions.all())
      return session
    } catch let error as SQLiteError {
      let failure = StoreError(error)
      throw StoreError(failure.code, "cannot open \(path): \(error.message)")
    } catch let error as StoreError {
      throw error
    } catch {
      throw StoreError(.inputOutput, "cannot open \(path): \(error)")
    }
  }

  private static func end(_ threads: Monitor<Int>) {
    threads.update { count in
      count -= 1
      return true
    }
  }

  package func append(_ batch: SpanBatch) async throws(StoreError) -> AppendReceipt {
    let result = await withCheckedContinuation { continuation in
      do throws(StoreError) {
        try writer.queue.add(.batch(PendingBatch(batch: batch, continuation: continuation)))
      } catch {
        continuation.resume(returning: Result<AppendReceipt, StoreError>.failure(error))
      }
    }
    return try result.get()
  }

  /// Has the writer make a change of rollouts.
  ///
  /// - Parameters:
  ///   - bytes: What the change holds while it waits, roughly.
  ///   - body: Makes the change; a `RolloutFault` refuses it and leaves the transaction to others.
  func perform<Value: Sendable>(
    bytes: Int, _ body: @escaping @Sendable (WriterSession, _ received: Int64, _ now: Double) throws -> Value
  ) async throws(RolloutFault) -> Value {
    let now = now
    let result = await withCheckedContinuation { continuation in
      let command = PendingCommand(byteCount: bytes) { session, received in
        let result: Result<Value, RolloutFault>
        do {
          result = .success(try body(session, received, Double(now()) / 1e9))
        } catch let fault as RolloutFault {
          result = .failure(fault)
        }
        return { continuation.resume(returning: result) }
      } fail: { error in
        continuation.resume(returning: .failure(.store(error)))
      }
      do throws(StoreError) {
        try writer.queue.add(.command(command))
      } catch {
        continuation.resume(returning: .failure(.store(error)))
      }
    }
    return try result.get()
  }

  /// Gives up attempts that are late, if any can be.
  package func findLateAttempts(debounced: Bool) async throws(RolloutFault) {
    guard schedule.isDue(now: Double(now()) / 1e9, debounced: debounced) else { return }
    try await perform(bytes: 64) { session, received, now in
      try session.settle(received: received)
      try session.rollouts.findLate(now: now, debounced: debounced)
    }
  }

  package func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void) {
    readers.submit(body)
  }

  /// Why the last write failed; `nil` when the store works.
  package var failure: StoreError? { status.failure }

  package var statistics: Statistics {
    Statistics(
      queueBytes: writer.queue.byteCount, databaseBytes: Self.size(of: folder.databasePath),
      walBytes: Self.size(of: folder.databasePath + "-wal"), failure: status.failure)
  }

  /// Queries that wait for a thread.
  var waitingQueries: Int { readers.waitingQueries }

  /// Reports how long commits take, and when transactions or checkpoints fail or cease to.
  ///
  /// Called on the threads that write.
  package func listen(
    toCommits commits: @escaping @Sendable (Duration) -> Void, failures: @escaping @Sendable (StoreError?) -> Void,
    checkpointFailures: @escaping @Sendable (StoreError?) -> Void
  ) {
    status.listen(toCommits: commits, failures: failures, checkpointFailures: checkpointFailures)
  }

  /// Writes what waits, ends the queries that run, copies the WAL into the database file, ends the threads, and lets the
  /// folder go.
  package func close() {
    retention.stop()
    writer.queue.close()
    filter.stop()
    readers.close()
    forwardReader?.close()
    threads.wait(until: { $0 == 0 }, { _ in })
    folder.unlock()
  }

  private static func size(of path: String) -> Int {
    var status = stat()
    return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
  }
}
