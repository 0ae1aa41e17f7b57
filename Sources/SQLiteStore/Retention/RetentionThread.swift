import SQLite
import Threads
import TraceStore

/// The thread that looks for what is to go, and has the writer delete it in small steps.
final class RetentionThread: Sendable {
  /// How retention is doing.
  struct Status: Sendable {
    var tally = RetentionTally()
    /// Passes that came to their end.
    var passes = 0
    /// Why the last pass ended early; `nil` when it did not.
    var failure: StoreError?
    /// Whether more bytes are in use than may be, and nothing more can go.
    var isOverLimit = false
    /// Whether nothing goes by its age because the clock has jumped.
    var waitsForClock = false
  }

  private struct State {
    var policy: RetentionPolicy
    var status = Status()
    var isStopping = false
    /// Passes that were asked for, and the last of them that was begun, and that was made.
    var requested = 0
    var begun = 0
    var made = 0
    var hasEnded = false

    var isDue: Bool { requested > begun }
    var listener: (@Sendable (RetentionEvent) -> Void)?
  }

  /// What comes in goes before the search for what can go: it fits into the time in which the writer waits for the disk.
  static let niceness: Int32 = 10
  /// How often it looks whether there is room while a limit of bytes is near, and otherwise.
  private static let watchInterval = Duration.milliseconds(25)
  /// How often it looks for what can go when it has found too little.
  private static let overLimitInterval = Duration.seconds(1)
  private static let pauseAfterFailure = Duration.seconds(1)
  private static let longSearch = Duration.milliseconds(200)

  private let state: Monitor<State>
  private let path: String
  private let options: SQLiteStoreOptions
  private let queue: WriteQueue
  private let recent: RecentTraces
  private let walBytes: @Sendable () -> Int64
  private let interruption = Interruption()

  init(
    path: String, options: SQLiteStoreOptions, queue: WriteQueue, recent: RecentTraces,
    walBytes: @escaping @Sendable () -> Int64
  ) {
    state = Monitor(State(policy: options.retention ?? RetentionPolicy(), hasEnded: options.retention == nil))
    self.path = path
    self.options = options
    self.queue = queue
    self.recent = recent
    self.walBytes = walBytes
  }

  var status: Status { state.withLock { $0.status } }

  /// Takes other limits; a pass by them follows at once.
  func take(_ policy: RetentionPolicy) {
    state.update { state in
      state.policy = policy
      state.requested += 1
      return true
    }
  }

  /// Has a pass made, and returns when it has come to its end or has failed.
  func makePassNow() {
    var number = 0
    state.update { state in
      state.requested += 1
      number = state.requested
      return true
    }
    state.wait(until: { $0.made >= number || $0.hasEnded }, { _ in })
  }

  func listen(_ body: @escaping @Sendable (RetentionEvent) -> Void) { state.withLock { $0.listener = body } }

  /// Runs until ``stop()``.
  func run() {
    let steps = RetentionSteps(queue: queue) { [self] in pause($0) }
    var clock = RetentionClock()
    var servicesDue = ContinuousClock.now
    var work: (reader: RetentionReader, rewriter: SegmentRewriter)?
    while !isStopping {
      let isAskedFor = state.withLock { state in
        defer { state.begun = state.requested }
        return state.isDue
      }
      // Who asks for a pass, or sets other limits, is not told to wait for the spans of services.
      if isAskedFor { servicesDue = .now }
      do {
        let open = try work ?? self.open()
        work = open
        try makePass(open.reader, open.rewriter, steps, &clock, &servicesDue)
        ended(nil)
        try watch(open.reader, open.rewriter, steps)
      } catch {
        work = nil
        let failure = Self.failure(error)
        guard failure.code != .closing, !isStopping else { break }
        ended(failure)
        pause(Self.pauseAfterFailure)
      }
    }
    work = nil
    state.update { state in
      state.hasEnded = true
      return true
    }
  }

  private static func failure(_ error: any Error) -> StoreError {
    (error as? StoreError) ?? (error as? SQLiteError).map(StoreError.init) ?? StoreError(.corrupt, "\(error)")
  }

  /// Ends the thread, and returns when it has let go of the database.
  ///
  /// Called before the writer ends: a step that waits is done.
  func stop() {
    interruption.request()
    state.update { state in
      state.isStopping = true
      return true
    }
    state.wait(until: \.hasEnded, { _ in })
  }

  private var isStopping: Bool { state.withLock { $0.isStopping } }

  private func pause(_ duration: Duration) {
    state.wait(atMost: duration, until: \.isStopping, { _ in })
  }

  private func open() throws -> (reader: RetentionReader, rewriter: SegmentRewriter) {
    let reader = try RetentionReader(path: path, vfs: options.vfs, interruption: interruption)
    return (reader, try SegmentRewriter(reader.connection, recent: recent))
  }

  // MARK: Pass

  private func makePass(
    _ reader: RetentionReader, _ rewriter: SegmentRewriter, _ steps: RetentionSteps, _ clock: inout RetentionClock,
    _ servicesDue: inout ContinuousClock.Instant
  ) throws {
    let policy = state.withLock { $0.policy }
    let pass = self.pass(policy, steps)
    makeRoomAfterSteps(steps, reader, policy)
    defer { steps.afterStep = nil }
    try pass.finishRemovals()
    let isTrusted = try observe(&clock, reader, policy)
    if isTrusted {
      try pass.correctTimes(reader)
      try pass.removeByAge(reader)
    }
    try pass.closeOpenSegment(reader)
    try pass.removeSurplus(reader)
    if ContinuousClock.now >= servicesDue {
      // To find spans of a service takes a look at all spans: at most a tenth of the time goes into that.
      let started = ContinuousClock.now
      try pass.removeOfServices(reader, isClockTrusted: isTrusted)
      let duration = started.duration(to: .now)
      servicesDue = duration > Self.longSearch ? .now + duration * 10 : .now
    }
    // Before whole spans go for their bytes; when these have no time for it, they are deleted between its steps.
    if isTrusted { try pass.strip(reader, rewriter) }
    try makeRoom(pass, reader)
    try pass.gather(reader, rewriter)
    try pass.pack(reader, rewriter)
    try pass.gather(reader, rewriter)
    try pass.vacuum(reader, keepsAll: try isNearLimit(reader, policy))
    try pass.sweepLookups(reader)
    try pass.sweepNames(reader)
  }

  /// Watches the limit of bytes between steps: spans keep coming while these go on, which may take long.
  private func makeRoomAfterSteps(_ steps: RetentionSteps, _ reader: RetentionReader, _ policy: RetentionPolicy) {
    steps.afterStep = { [self] () throws(StoreError) in
      do {
        if try isAtLimit(reader, policy) { try makeRoom(pass(policy, steps), reader) }
      } catch {
        throw Self.failure(error)
      }
    }
  }

  private func pass(_ policy: RetentionPolicy, _ steps: RetentionSteps) -> RetentionPass {
    RetentionPass(
      rules: RetentionRules(policy: policy, now: options.now()), steps: steps, isStopping: { [self] in isStopping },
      report: { [self] in report($0) })
  }

  /// Whether room is to be made, and may be found.
  private func isAtLimit(_ reader: RetentionReader, _ policy: RetentionPolicy) throws -> Bool {
    guard let limit = policy.maximumBytes.map({ ByteLimit(limit: Int64($0)) }), !status.isOverLimit else {
      return false
    }
    return try reader.size().usedBytes + limit.counted(walBytes()) > limit.high
  }

  private func makeRoom(_ pass: borrowing RetentionPass, _ reader: RetentionReader) throws {
    let hasRoom = try pass.removeByBytes(reader, walBytes: walBytes)
    var listener: (@Sendable (RetentionEvent) -> Void)?
    state.withLock { state in
      if state.status.isOverLimit == hasRoom { listener = state.listener }
      state.status.isOverLimit = !hasRoom
    }
    listener?(hasRoom ? .hasRoom : .isOverLimit)
  }

  private func isNearLimit(_ reader: RetentionReader, _ policy: RetentionPolicy) throws -> Bool {
    guard let limit = policy.maximumBytes.map({ ByteLimit(limit: Int64($0)) }) else { return false }
    let size = try reader.size()
    return size.usedBytes + limit.counted(walBytes()) > limit.limit / 10 * 8 && size.bytes <= limit.limit
  }

  /// Whether what is too old may go.
  private func observe(_ clock: inout RetentionClock, _ reader: RetentionReader, _ policy: RetentionPolicy) throws
    -> Bool
  {
    let ages = [policy.maximumAge, policy.valuedAge, policy.payloadAfter] + policy.services.map(\.maximumAge)
    let shortest = ages.compactMap { $0 }.min()
    let newest = try reader.connection.integer(
      """
      SELECT max(coalesce((SELECT max(received) FROM segment_extents), 0),
        coalesce((SELECT max(received) FROM segment_parts), 0))
      """)
    let (isTrusted, hasChanged) = clock.observe(
      wall: options.now(), uptime: options.uptime(), newest: newest == 0 ? nil : newest, shortestAge: shortest,
      grace: policy.clockGrace)
    guard hasChanged else { return isTrusted }
    let listener = state.withLock { state in
      state.status.waitsForClock = !isTrusted
      return state.listener
    }
    listener?(isTrusted ? .clockIsTrusted : .clockHasJumped(policy.clockGrace))
    return isTrusted
  }

  // MARK: Watch

  /// Waits for the next pass, and makes room meanwhile as soon as it is needed.
  private func watch(_ reader: RetentionReader, _ rewriter: SegmentRewriter, _ steps: RetentionSteps) throws {
    let policy = state.withLock { $0.policy }
    makeRoomAfterSteps(steps, reader, policy)
    defer { steps.afterStep = nil }
    let start = ContinuousClock.now
    let end = start + policy.interval
    while !isStopping, !state.withLock({ $0.isDue }), ContinuousClock.now < end {
      guard let limit = policy.maximumBytes.map({ ByteLimit(limit: Int64($0)) }) else {
        state.wait(atMost: ContinuousClock.now.duration(to: end), until: { $0.isStopping || $0.isDue }, { _ in })
        continue
      }
      let used = try reader.size().usedBytes + limit.counted(walBytes())
      if used > limit.high, !status.isOverLimit {
        // A whole pass would look for much else each time.
        let pass = pass(policy, steps)
        try makeRoom(pass, reader)
        try pass.gather(reader, rewriter)
        continue
      }
      // What may not go now may go soon, and what comes meanwhile may as well.
      if used > limit.high, ContinuousClock.now > start + Self.overLimitInterval { return }
      // How much can come until the next look must fit into what is left.
      let isNear = used > limit.limit / 10 * 8
      state.wait(
        atMost: isNear ? Self.watchInterval : .milliseconds(250), until: { $0.isStopping || $0.isDue }, { _ in })
    }
  }

  private func report(_ tally: RetentionTally) {
    guard tally != RetentionTally() else { return }
    let listener = state.withLock { state in
      state.status.tally.add(tally)
      return state.listener
    }
    if tally.undelivered > 0 { listener?(.undelivered(tally.undelivered)) }
  }

  private func ended(_ failure: StoreError?) {
    var listener: (@Sendable (RetentionEvent) -> Void)?
    state.update { state in
      if failure?.code != state.status.failure?.code { listener = state.listener }
      state.status.failure = failure
      if failure == nil { state.status.passes += 1 }
      state.made = state.begun
      return true
    }
    listener?(failure.map { .failed($0) } ?? .works)
  }
}
