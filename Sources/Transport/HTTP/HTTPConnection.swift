/// A connection of a client: finds out which protocol it speaks, and keeps its deadlines.
///
/// Unchecked Sendable: it is confined to the thread of its loop. Tasks that answer requests come back to that thread
/// before they touch it.
final class HTTPConnection: ByteStreamDelegate, @unchecked Sendable {
  /// The first bytes of HTTP/2 with prior knowledge
  /// ([RFC 9113, section 3.4](https://www.rfc-editor.org/rfc/rfc9113#section-3.4)).
  static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)

  private enum State {
    /// The bytes so far could become the HTTP/2 preface.
    case undecided([UInt8])
    case speaking(any ConnectionProtocol)
    /// All is said; what still comes is dropped until the client closes.
    case lingering(until: UInt64)
    case closed
  }

  let context: ConnectionContext
  let peer: SocketAddress
  private let stream: any ByteStream
  private let onClose: (HTTPConnection) -> Void
  private var state = State.undecided([])
  private let openedAt: UInt64
  private var timer: LoopTimer?
  private var timerEnd: UInt64 = .max
  /// The client has closed its side while the last bytes were being sent.
  private var hasInputEnded = false
  /// The stream was told to close and has not answered yet.
  private var isClosing = false
  private var drainWaiters: [CheckedContinuation<Bool, Never>] = []
  /// Of answers whose last bytes the kernel has not taken yet.
  private var leases: [AnswerAllowance.Lease] = []
  /// What the answers of this connection may hold.
  let answers: AnswerAllowance

  /// Takes over a stream; `onClose` is called once, when it has closed.
  init(
    stream: any ByteStream, peer: SocketAddress, context: ConnectionContext,
    onClose: @escaping (HTTPConnection) -> Void
  ) {
    self.stream = stream
    self.peer = peer
    self.context = context
    self.onClose = onClose
    answers = AnswerAllowance(context.answers)
    openedAt = context.loop.now
  }

  /// Starts to serve the client.
  func open() {
    start()
    stream.resumeReading()
  }

  /// Tells the client that there are too many connections.
  func refuse() {
    start()
    let answer = "HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nretry-after: 1\r\nconnection: close\r\n\r\n"
    stream.write(Array(answer.utf8))
    finish()
  }

  private func start() {
    stream.delegate = self
    timer = LoopTimer(loop: context.loop) { [weak self] in self?.timerDidFire() }
    updateDeadline()
  }

  /// Ends the connection as soon as the requests in progress are answered.
  func beginShutdown() {
    switch state {
    case .undecided: finish()
    case .speaking(let speaker):
      speaker.beginShutdown()
      updateDeadline()
    case .lingering, .closed: break
    }
  }

  /// Fails the bodies that are not complete, shortly before the connection is closed.
  func refuseBodies() {
    if case .speaking(let speaker) = state { speaker.refuseBodies() }
  }

  // MARK: Input

  func didReceive(_ bytes: Span<UInt8>) {
    switch state {
    case .undecided(let first): decide(first, bytes)
    case .speaking(let speaker): speaker.receive(bytes)
    case .lingering, .closed: return
    }
    updateDeadline()
  }

  private func decide(_ first: [UInt8], _ bytes: Span<UInt8>) {
    var matched = first.count
    let limit = min(Self.preface.count, first.count + bytes.count)
    while matched < limit, Self.preface[matched] == bytes[matched - first.count] { matched += 1 }
    if matched == limit && matched < Self.preface.count {
      var first = first
      unsafe bytes.withUnsafeBufferPointer { unsafe first.append(contentsOf: $0) }
      state = .undecided(first)
      return
    }
    let speaker: any ConnectionProtocol
    if matched == Self.preface.count {
      do throws(HTTP2Error) {
        speaker = try HTTP2Connection(connection: self)
      } catch {
        close()
        return
      }
    } else {
      speaker = HTTP1Connection(connection: self)
    }
    state = .speaking(speaker)
    if !first.isEmpty { speaker.receive(first.span) }
    speaker.receive(bytes)
  }

  func didReceiveEnd() {
    switch state {
    case .undecided: close()
    case .lingering:
      // A client that has closed its side may still be reading.
      if stream.pendingOutput == 0 { close() } else { hasInputEnded = true }
    case .speaking(let speaker):
      speaker.receiveEnd()
      updateDeadline()
    case .closed: break
    }
  }

  func resumeReading() { stream.resumeReading() }

  func pauseReading() { stream.pauseReading() }

  // MARK: Output

  /// Bytes that the kernel has not taken yet.
  var pendingOutput: Int { stream.pendingOutput }

  func write(_ bytes: [UInt8]) { stream.write(bytes) }

  func write(_ head: [UInt8], _ body: [UInt8], _ tail: [UInt8] = []) { stream.write(head, body, tail) }

  /// Returns when the output that waits is below the watermark.
  ///
  /// - Returns: `false` when the connection is lost.
  func waitForRoom(on isolation: isolated LoopIsolation) async -> Bool {
    if case .closed = state { return false }
    guard stream.pendingOutput > context.configuration.outputWatermark else { return true }
    return await withCheckedContinuation { drainWaiters.append($0) }
  }

  func didDrain() {
    leases = []
    resumeWaiters(returning: true)
    switch state {
    case .speaking(let speaker): speaker.didDrain()
    case .lingering: if hasInputEnded { close() } else { state = .lingering(until: lingerEnd) }
    case .undecided, .closed: break
    }
    updateDeadline()
  }

  private func resumeWaiters(returning value: Bool) {
    let waiters = drainWaiters
    drainWaiters = []
    for waiter in waiters { waiter.resume(returning: value) }
  }

  /// Keeps the lease of an answer until what is written has been sent.
  func keepUntilDrained(_ lease: AnswerAllowance.Lease?) {
    guard let lease, stream.pendingOutput > 0 else { return }
    leases.append(lease)
  }

  // MARK: End

  /// Sends what is written, then closes.
  ///
  /// Closing with unread input would reset the connection, and the client might never see the last answer, so the input
  /// is read and dropped for a while.
  func finish() {
    switch state {
    case .lingering, .closed: return
    case .undecided, .speaking: break
    }
    let former = state
    state = .lingering(until: lingerEnd)
    if case .speaking(let speaker) = former { speaker.didClose() }
    stream.finishWriting()
    stream.resumeReading()
    updateDeadline()
  }

  private var lingerEnd: UInt64 { context.loop.now + context.configuration.lingerTimeout.wholeMilliseconds }

  /// Closes at once.
  ///
  /// What is lost with it must not look whole: where the end of the connection is the end of a body, the peer sees a
  /// reset.
  func close() {
    var isBodyOpen = false
    if case .speaking(let speaker) = state { isBodyOpen = speaker.endsBodyWithConnection }
    if isBodyOpen || stream.pendingOutput > 0 { return reset() }
    isClosing = true
    stream.close()
  }

  /// Ends the connection at once, so that the peer notices.
  func reset() {
    isClosing = true
    stream.reset()
  }

  func didClose() {
    let former = state
    state = .closed
    timer?.close()
    timer = nil
    leases = []
    if case .speaking(let speaker) = former { speaker.didClose() }
    resumeWaiters(returning: false)
    onClose(self)
  }

  // MARK: Deadlines

  /// Arms the timer for the earliest deadline.
  ///
  /// Most deadlines move later all the time; the timer is left alone then, and looks again when it fires.
  func updateDeadline() {
    guard let end = earliestDeadline, end < timerEnd, let timer else { return }
    timerEnd = end
    let now = context.loop.now
    // Not 0: libuv would fire it again in the same turn, for ever if the deadline does not move.
    timer.start(milliseconds: end > now ? end - now : 1)
  }

  private var earliestDeadline: UInt64? {
    guard !isClosing else { return nil }
    let write = stream.pendingOutput > 0 ? stream.lastProgress + writeTimeout : nil
    guard let other = stateDeadline else { return write }
    return write.map { min($0, other) } ?? other
  }

  private var stateDeadline: UInt64? {
    switch state {
    case .undecided: openedAt + context.configuration.headerTimeout.wholeMilliseconds
    case .speaking(let speaker): speaker.deadline
    case .lingering(let end): stream.pendingOutput > 0 ? nil : end
    case .closed: nil
    }
  }

  private var writeTimeout: UInt64 { context.configuration.writeTimeout.wholeMilliseconds }

  private func timerDidFire() {
    timerEnd = .max
    let now = context.loop.now
    if stream.pendingOutput > 0 && stream.lastProgress + writeTimeout <= now {
      context.counters.timeouts.increment()
      close()
    } else if let end = stateDeadline, end <= now {
      switch state {
      case .undecided:
        context.counters.timeouts.increment()
        close()
      case .speaking(let speaker): speaker.deadlineDidPass()
      case .lingering: close()
      case .closed: break
      }
    }
    updateDeadline()
  }
}
