/// A request that was sent, and its answer as it arrives.
///
/// One task reads it: first ``head()``, then ``next()`` until the end. What is not read is held back: after
/// ``bufferLimit`` bytes the server is not read any further. Unchecked Sendable: its state is touched on the thread of
/// `loop` alone.
package final class HTTPTransfer: @unchecked Sendable {
  /// Bytes that wait for the reader before the server is made to wait.
  package static let bufferLimit = 256 * 1024
  /// How long after the start of a request, in milliseconds, the end of its connection can be one that was under way
  /// when the request was sent.
  private static let raceTime: UInt64 = 1_000
  /// Trailer fields that are kept.
  private static let mostTrailers = 100

  private enum State {
    case open
    case complete
    case failed(ClientError)
  }

  package let loop: EventLoop
  private let request: ClientRequest
  private weak var pool: TransferPool?
  private(set) var handle: TransferHandle?
  private var headReader = ResponseHeadReader()
  /// Whether anything of an answer has come.
  private var hasBegun = false
  /// Whether the request was sent again over a connection of its own.
  private var isFresh = false
  private var response: ClientResponse?
  /// The fields behind the body, as far as they have come; gRPC has its status there.
  private var trailerFields = HTTPHeaders()
  private var buffer: [UInt8] = []
  private var state = State.open
  private var waiter: CheckedContinuation<Void, Never>?
  private var isPaused = false
  private let startTime: UInt64
  private var lastByte: UInt64
  private var timer: LoopTimer?
  /// When the timer fires.
  private var timerEnd = UInt64.max

  init(_ request: ClientRequest, pool: TransferPool) {
    self.request = request
    self.pool = pool
    loop = pool.loop
    startTime = loop.now
    lastByte = startTime
  }

  // MARK: Reader

  /// Waits for the status and the header fields.
  ///
  /// Throws ``ClientError/Kind/cancelled`` when the task is cancelled, which closes the connection.
  package func head() async throws(ClientError) -> ClientResponse {
    try await head(on: loop.isolation).get()
  }

  /// Waits for the next bytes of the body.
  ///
  /// - Returns: `nil` at the end.
  package func next() async throws(ClientError) -> [UInt8]? {
    try await next(on: loop.isolation).get()
  }

  /// What has come of the body, when that is all of it; the body is then read.
  ///
  /// Spares short answers a second step.
  package func takeWhole() -> [UInt8]? {
    loop.checkIsolated()
    guard case .complete = state, response != nil else { return nil }
    defer { buffer = [] }
    return buffer
  }

  /// The fields behind the body; complete when the body has been read to its end.
  package var trailers: HTTPHeaders {
    loop.checkIsolated()
    return trailerFields
  }

  private func head(on isolation: isolated LoopIsolation) async -> Result<ClientResponse, ClientError> {
    while true {
      if let response { return .success(response) }
      if let error { return .failure(error) }
      guard await wait(on: isolation) else { return .failure(.cancelled) }
    }
  }

  private func next(on isolation: isolated LoopIsolation) async -> Result<[UInt8]?, ClientError> {
    while true {
      if !buffer.isEmpty {
        let bytes = buffer
        buffer = []
        resumeReceiving()
        return .success(bytes)
      }
      switch state {
      case .open: guard await wait(on: isolation) else { return .failure(.cancelled) }
      case .complete: return .success(nil)
      case .failed(let error): return .failure(error)
      }
    }
  }

  private var error: ClientError? {
    switch state {
    case .open: nil
    case .complete: ClientError(kind: .invalidResponse, message: "the answer has no status")
    case .failed(let error): error
    }
  }

  /// Waits until something has happened.
  ///
  /// - Returns: `false` when the task was cancelled.
  private func wait(on isolation: isolated LoopIsolation) async -> Bool {
    precondition(waiter == nil, "one task reads an answer")
    await withTaskCancellationHandler {
      if Task.isCancelled { return interrupt() }
      await withCheckedContinuation { waiter = $0 }
    } onCancel: {
      loop.execute { self.interrupt() }
    }
    return !Task.isCancelled
  }

  /// The task that reads is cancelled.
  private func interrupt() {
    if request.outlivesTask { wakeReader() } else { cancel() }
  }

  /// Gives up: the connection is closed, or the HTTP/2 stream reset.
  ///
  /// Called on the loop's thread.
  package func cancel() { fail(.cancelled) }

  /// Gives up for a reason of the caller's, which the reader is told.
  package func fail(_ error: ClientError) {
    loop.checkIsolated()
    guard case .open = state else { return }
    state = .failed(error)
    buffer = []
    release()
    wakeReader()
  }

  /// Lets the server go on after the reader has taken what was held.
  private func resumeReceiving() {
    guard isPaused, let handle else { return }
    isPaused = false
    lastByte = loop.now
    pool?.resume(handle)
  }

  // MARK: Pool

  func start() {
    do throws(ClientError) {
      try send()
      startTimer()
    } catch {
      fail(error)
    }
  }

  private func send() throws(ClientError) {
    guard let pool else { throw .cancelled }
    let handle = try pool.takeHandle()
    self.handle = handle
    try handle.prepare(request, isFresh: isFresh, for: self)
    try pool.add(handle)
  }

  /// Whether a connection that has ended without an answer may have ended before the request reached the server.
  ///
  /// Later the server, or what stands before it, has given up work that is not to be done twice.
  var mayBeUnread: Bool { loop.now <= startTime + Self.raceTime }

  /// Sends the request again, once, over a connection of its own: the one that was there had ended, or had something to
  /// say that nobody had asked for.
  ///
  /// - Returns: `false` when the failure is final.
  func startsAgain() -> Bool {
    guard case .open = state, !hasBegun, !isFresh, mayBeUnread, let spent = handle else { return false }
    isFresh = true
    handle = nil
    pool?.remove(spent)
    do throws(ClientError) { try send() } catch { fail(error) }
    return true
  }

  func connection(_ endpoints: KeptConnections.Endpoints) -> KeptConnections.State? {
    pool?.connections.state(of: endpoints)
  }

  /// Takes a line of the header section.
  ///
  /// - Returns: `false` when the answer cannot be read.
  func receiveLine(_ line: Span<UInt8>) -> Bool {
    hasBegun = true
    if response != nil {
      if trailerFields.count < Self.mostTrailers { ResponseHeadReader.readField(line, into: &trailerFields) }
      return true
    }
    switch headReader.read(line) {
    case .needsMore: break
    case .ambiguous: return false
    case .complete(let head):
      response = head
      lastByte = loop.now
      startTimer()
      wakeReader()
    }
    return true
  }

  /// Takes bytes of the body.
  ///
  /// - Returns: `false` when there is no room; the same bytes are offered again after ``resumeReceiving()``.
  func receive(_ bytes: Span<UInt8>) -> Bool {
    guard buffer.count < Self.bufferLimit else {
      isPaused = true
      return false
    }
    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
    lastByte = loop.now
    wakeReader()
    return true
  }

  /// The transfer has ended; `nil` means well.
  func finish(_ error: ClientError?) {
    guard case .open = state else { return }
    state = error.map { .failed($0) } ?? .complete
    release()
    wakeReader()
  }

  private func release() {
    timer?.close()
    timer = nil
    guard let handle else { return }
    self.handle = nil
    pool?.remove(handle)
  }

  // MARK: Deadlines

  /// Arms the timer for the earliest deadline, unless it fires before.
  ///
  /// A deadline that has moved on is looked at again when the timer fires.
  private func startTimer() {
    guard case .open = state, let deadline = earliestDeadline, deadline < timerEnd else { return }
    let timer = self.timer ?? LoopTimer(loop: loop) { [weak self] in self?.timerDidFire() }
    self.timer = timer
    timerEnd = deadline
    timer.start(milliseconds: deadline > loop.now ? deadline - loop.now : 1)
  }

  private var earliestDeadline: UInt64? {
    let total = request.totalTimeout.map { startTime + $0.wholeMilliseconds }
    let other: UInt64?
    if response == nil {
      other = request.headTimeout.map { startTime + $0.wholeMilliseconds }
    } else {
      // A server that is held back cannot send.
      let last = isPaused || !buffer.isEmpty ? loop.now : lastByte
      other = request.idleTimeout.map { last + $0.wholeMilliseconds }
    }
    guard let total else { return other }
    return other.map { min($0, total) } ?? total
  }

  private func timerDidFire() {
    timerEnd = .max
    guard let deadline = earliestDeadline else { return }
    if deadline <= loop.now {
      let message = response == nil ? "no answer in time" : "the rest of the answer did not come in time"
      fail(ClientError(kind: .timeout, message: message))
    } else {
      startTimer()
    }
  }

  // Resuming only queues the reader, which then takes all that has come by then.
  private func wakeReader() { waiter.take()?.resume() }
}
