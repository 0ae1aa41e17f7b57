import SQLite
import Synchronization
import Telemetry
import Threads
import TraceStore

/// The thread that writes: it takes all that waits as one transaction, and acknowledges it after the commit.
///
/// There is no timer. The next transaction starts when the last one has ended, and takes what comes while it writes what
/// has come before, so that a batch waits for one or two commits under any load, and the more there is to write, the more
/// goes into one commit.
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
  private let schedule: WatchdogSchedule
  private let rolloutWatch: RolloutWatch
  private let retagWatch: RetagWatch
  private let sessionKeys: SessionKeyIndex
  private let arrivals: ArrivalCount

  init(
    path: String, options: SQLiteStoreOptions, recent: RecentTraces, filter: TraceFilter, status: StoreStatus,
    checkpointer: Checkpointer, schedule: WatchdogSchedule, rolloutWatch: RolloutWatch, retagWatch: RetagWatch,
    sessionKeys: SessionKeyIndex, arrivals: ArrivalCount
  ) {
    self.path = path
    self.options = options
    self.recent = recent
    self.filter = filter
    self.status = status
    self.checkpointer = checkpointer
    self.schedule = schedule
    self.rolloutWatch = rolloutWatch
    self.retagWatch = retagWatch
    self.sessionKeys = sessionKeys
    self.arrivals = arrivals
    queue = WriteQueue(limit: options.queueBytes)
  }

  /// Runs until the queue is closed and empty.
  ///
  /// - Parameter handOver: Holds the connection that the start of the store has opened.
  func run(_ handOver: HandOver) {
    var session = handOver.take()
    // Where one client sends one span after the other, the next comes soon after the answer: on its way are the answer, the
    // client, and what decodes the next.
    var shortWaits = ShortWaits(limit: .microseconds(200))
    while true {
      // Every transaction takes a step of it, so it goes on also when nobody writes.
      let hasRetagWork = session?.hasRetagWork == true
      if !hasRetagWork { queue.look(&shortWaits) }
      switch queue.take(upTo: Self.groupBytes, waitingAtMost: hasRetagWork ? .zero : Self.probeInterval) {
      case .writes(let group):
        shortWaits.workCame()
        write(group, &session)
      case .idle: if hasRetagWork || status.failure != nil { write([], &session) }
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

  private func write(_ group: [PendingWrite], _ session: inout WriterSession?) {
    let started = ContinuousClock.now
    var group = group
    var results: [Result<WriteOutcome, StoreError>]
    do throws(StoreError) {
      results = try commit(&group, &session, takesMore: true).map { .success($0) }
      status.succeeded()
    } catch {
      results = recover(from: error, group, &session)
    }
    answer(group, results)
    status.commitLatency(started.duration(to: .now))
    // Behind the acknowledgements, so that nobody waits for it.
    if let session { checkpointer.didCommit(walBytes: session.connection.walBytes, session.connection) }
  }

  /// Answers those that are done, and lets the others wait for their next slice.
  private func answer(_ group: [PendingWrite], _ results: [Result<WriteOutcome, StoreError>]) {
    var done: [PendingWrite] = []
    var answers: [Result<WriteOutcome, StoreError>] = []
    for (pending, result) in zip(group, results) {
      if case .success(.stored(let receipt)) = result, let rest = pending.rest(after: receipt) {
        queue.putBack(rest)
        continue
      }
      done.append(pending)
      answers.append(result)
    }
    // Room first: who is answered may send the next batch at once.
    queue.finish(done)
    for (pending, answer) in zip(done, answers) { Self.answer(pending, answer) }
  }

  private static func answer(_ pending: PendingWrite, _ result: Result<WriteOutcome, StoreError>) {
    switch (pending, result) {
    case (.batch(let batch), .success(.stored(let receipt))):
      batch.advance(receipt)
      batch.continuation.resume(returning: .success(batch.receipt))
    case (.batch(let batch), .failure(let error)): batch.continuation.resume(returning: .failure(error))
    case (.command, .success(.done(let answer))): answer()
    case (.command(let command), .failure(let error)): command.fail(error)
    case (.batch, .success(.done)), (.command, .success(.stored)):
      preconditionFailure("a batch is stored, a command is done")
    }
  }

  /// Answers the writes of a transaction that failed.
  ///
  /// If one of them is to blame, each is tried alone, so that it fails alone.
  private func recover(
    from error: StoreError, _ group: [PendingWrite], _ session: inout WriterSession?
  ) -> [Result<WriteOutcome, StoreError>] {
    guard error.code == .refused, group.count > 1 else {
      if error.code != .refused { status.failed(error) }
      return group.map { _ in .failure(error) }
    }
    return group.map { pending in
      var alone = [pending]
      do throws(StoreError) {
        return .success(try commit(&alone, &session, takesMore: false)[0])
      } catch {
        if error.code != .refused { status.failed(error) }
        return .failure(error)
      }
    }
  }

  /// Does writes in one transaction.
  ///
  /// - Parameters:
  ///   - group: Gets what has come meanwhile and went with it.
  ///   - takesMore: Whether anything may go with it.
  private func commit(
    _ group: inout [PendingWrite], _ session: inout WriterSession?, takesMore: Bool
  ) throws(StoreError) -> [WriteOutcome] {
    do {
      let open = try session ?? reopen()
      session = open
      return try write(&group, open, takesMore: takesMore)
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

  private func write(_ group: inout [PendingWrite], _ session: WriterSession, takesMore: Bool) throws -> [WriteOutcome]
  {
    var received = options.now()
    try session.beginTransaction(received: received, isFollowed: retagWatch.isFollowed)
    var outcomes = try group.map { try perform($0, session, received) }
    if takesMore {
      let more = queue.takeMore(upTo: Self.groupBytes - group.reduce(0) { $0 + $1.nextByteCount })
      group += more
      if !more.isEmpty {
        // What they cause must not seem to be older than they are.
        received = options.now()
        session.goOn(received: received)
      }
      for pending in more { outcomes.append(try perform(pending, session, received)) }
    }
    // Without this, a transaction that is to find out whether a store that failed works again would write nothing.
    if group.isEmpty && !session.hasRetagWork { session.touch() }
    try session.commit(received: received)
    arrivals.set(session.lastArrival)
    sessionKeys.apply(session.rollouts.keySessions.takeChanges())
    let finished = session.rollouts.takeFinished()
    if !finished.isEmpty { rolloutWatch.finished(finished) }
    retagWatch.publish(session.takeRetags())
    return outcomes
  }

  private func perform(_ pending: PendingWrite, _ session: WriterSession, _ received: Int64) throws -> WriteOutcome {
    switch pending {
    case .batch(let batch): .stored(try session.append(batch.batch, segments: batch.slice, received: received))
    case .command(let command): .done(try command.perform(session, received))
    }
  }

  /// Opens the database after a failure.
  ///
  /// After a sync that failed, the WAL may hold commits that are in the kernel's memory and will never be on the disk.
  /// Copying them into the database file writes and syncs them anew, before other commits build on them.
  private func reopen() throws -> WriterSession {
    let session = try WriterSession(path: path, options, recent: recent, filter: filter, schedule: schedule)
    try session.connection.checkpoint(.truncate)
    // A transaction that seemed to have failed may be there after all: who waits for what it finished has to look.
    rolloutWatch.lookAgain()
    retagWatch.settleDoubt()
    sessionKeys.replace(with: try session.rollouts.keySessions.all())
    return session
  }

  /// Gives up what was remembered of a transaction that failed.
  ///
  /// The COMMIT itself is never repeated: whether it came through is not known. The batches are answered as failed, and
  /// when they are sent again they are found or stored.
  private func discard(_ session: inout WriterSession?, _ error: StoreError) {
    guard let failed = session else { return }
    // Only a COMMIT that was tried leaves any.
    if !failed.takeRetags().isEmpty { retagWatch.doubt() }
    // A search for late attempts may be among what was rolled back.
    schedule.expect(at: -.infinity)
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
