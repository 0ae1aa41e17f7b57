/// HTTP/2 on a connection: streams side by side.
final class HTTP2Connection: ConnectionProtocol, TurnEndListener {
  /// What a client must take of an answer within the deadline for writing when memory is scarce, in bytes.
  ///
  /// That is two kilobytes a second by default; otherwise a byte is enough.
  private static let stepSize = 64 << 10

  // The connection owns this object and tells it when it closes.
  private unowned let connection: HTTPConnection
  private let context: ConnectionContext
  private let session: HTTP2Session
  private var exchanges: [Int32: HTTP2Exchange] = [:]
  private var resets: EventMeter
  private var isFlushScheduled = false
  private var isShuttingDown = false
  private var isDone = false
  /// Since when a header section is incomplete.
  private var headerStart: UInt64?
  /// Since when no stream is open.
  private var idleStart: UInt64
  /// No deadline passes before this time; earlier deadlines only come with events.
  private var nextCheck: UInt64?

  init(connection: HTTPConnection) throws(HTTP2Error) {
    self.connection = connection
    context = connection.context
    let configuration = context.configuration
    session = try HTTP2Session(
      settings: .init(
        maximumConcurrentStreams: configuration.maximumConcurrentStreams,
        initialStreamWindow: configuration.initialStreamWindow, connectionWindow: configuration.connectionWindow,
        maximumFrameSize: configuration.maximumFrameSize,
        headerLimits: .init(bytes: configuration.maximumHeaderBytes, count: configuration.maximumHeaderCount)))
    resets = EventMeter(limit: configuration.maximumResets, interval: configuration.resetInterval)
    idleStart = context.loop.now
    noteDeadline(after: configuration.idleTimeout)
  }

  private var now: UInt64 { context.loop.now }

  // MARK: Input

  func receive(_ bytes: Span<UInt8>) {
    guard !isDone else { return }
    do throws(HTTP2Error) {
      for event in try session.receive(bytes) { handle(event, bytes) }
    } catch {
      fail(error)
    }
    scheduleFlush()
  }

  func receiveEnd() {
    // Without the client's frames no window opens and nothing can be acknowledged.
    isDone = true
    connection.close()
  }

  private func fail(_ error: HTTP2Error) {
    if error.isFlood {
      context.counters.floods.increment()
      session.terminate(.enhanceYourCalm)
    } else {
      context.counters.malformedRequests.increment()
      session.terminate(.protocolError)
    }
    end()
  }

  private func handle(_ event: HTTP2Session.Event, _ bytes: Span<UInt8>) {
    guard !isDone else { return }
    switch event {
    case .headersBegan:
      headerStart = now
      noteDeadline(after: context.configuration.headerTimeout)
    case .request(let stream, let head): begin(stream, head)
    case .surplusRequest(let stream):
      headerStart = nil
      session.resetStream(stream, .refusedStream)
      // As cheap for a client as a reset of its own.
      countReset()
    case .oversizedRequest(let stream):
      context.counters.oversizedHeaders.increment()
      refuse(stream, status: 431)
    case .malformedRequest(let stream):
      context.counters.malformedRequests.increment()
      refuse(stream, status: 400)
    case .data(let stream, let range): receiveBody(bytes.extracting(range), stream)
    case .requestEnded(let stream):
      guard let exchange = exchanges[stream] else { break }
      exchange.isRequestComplete = true
      exchange.pipe.finish()
      if isShuttingDown && context.waitsEndAtShutdown { cancelWait(of: exchange) }
    case .answerEnded(let stream): answerDidEnd(stream)
    case .streamClosed(let stream, _): streamDidClose(stream)
    case .invalidFrame:
      context.counters.malformedRequests.increment()
      countReset()
    }
  }

  private func begin(_ stream: Int32, _ head: HTTP2RequestHead) {
    headerStart = nil
    context.counters.http2Requests.increment()
    let exchange = HTTP2Exchange(stream: stream, head: head, loop: context.loop, connection: self)
    exchanges[stream] = exchange
    if !head.endsStream { noteBodyDeadline(of: exchange) }
    let request = HTTPRequest(
      method: head.method, path: head.path, query: head.query, version: .http2, headers: head.headers,
      peer: connection.peer, body: RequestBody(exchange.pipe), answers: connection.answers)
    exchange.task = startAnswering(request, in: context, to: exchange)
  }

  private func refuse(_ stream: Int32, status: Int) {
    headerStart = nil
    var block = HeaderBlock()
    block.append(":status", String(status))
    // Fails only for a stream that is closed.
    try? session.submitResponse(stream: stream, block, body: nil)
  }

  private func receiveBody(_ bytes: Span<UInt8>, _ stream: Int32) {
    guard let exchange = exchanges[stream] else {
      // Nobody will read it, but it counts against the connection's window.
      session.consume(bytes.count, stream: stream)
      return
    }
    exchange.lastBodyByte = now
    exchange.isBodyInvited = true
    exchange.pipe.receive(bytes)
  }

  private func answerDidEnd(_ stream: Int32) {
    exchanges[stream]?.isAnswerEnded = true
    // RFC 9113, section 8.1: the client may stop sending what nobody will read.
    if session.isRequestOpen(stream: stream) { session.resetStream(stream, .noError) }
  }

  private func streamDidClose(_ stream: Int32) {
    headerStart = nil
    guard let exchange = exchanges.removeValue(forKey: stream) else { return }
    if !exchange.isAnswerEnded { countReset() }
    end(exchange)
    if exchanges.isEmpty {
      idleStart = now
      noteDeadline(after: context.configuration.idleTimeout)
    }
  }

  private func end(_ exchange: HTTP2Exchange) {
    // Gives the held bytes back to the connection's window.
    exchange.pipe.fail(.disconnected)
    if !exchange.isAnswerEnded { exchange.task?.cancel() }
    exchange.resumeRoomWaiter(returning: false)
    // Frames of the last bytes may still wait for the kernel, no more than a connection may have of them.
    exchange.lease = nil
  }

  /// Opening and resetting streams is cheap for the client and costs us a task each (CVE-2023-44487).
  private func countReset() {
    guard !isDone, resets.record(at: now) else { return }
    context.counters.floods.increment()
    session.terminate(.enhanceYourCalm)
    end()
  }

  // MARK: Output

  private func scheduleFlush() {
    guard !isFlushScheduled else { return }
    isFlushScheduled = true
    context.loop.atEndOfTurn(self)
  }

  func turnDidEnd() {
    isFlushScheduled = false
    flush()
  }

  func didDrain() { flush() }

  /// Moves frames from the session to the connection, as long as there is room.
  ///
  /// Frames stay in the session otherwise, where nghttp2 bounds the acknowledgements of a client that does not read.
  private func flush() {
    let limit = context.configuration.outputWatermark
    while !isDone && connection.pendingOutput < limit {
      do throws(HTTP2Error) {
        let output = try session.takeOutput(upTo: limit)
        connection.write(output)
        let events = session.takeEvents()
        for event in events { handle(event, Span()) }
        if output.isEmpty && events.isEmpty { break }
      } catch {
        fail(error)
      }
    }
    guard !isDone else { return }
    resumeWriters()
    if session.isOver || isShuttingDown && exchanges.isEmpty {
      end()
    } else {
      connection.updateDeadline()
    }
  }

  private func resumeWriters() {
    for exchange in exchanges.values where exchange.pendingAnswer > 0 {
      let pending = session.pendingBody(stream: exchange.stream)
      guard pending < exchange.pendingAnswer else { continue }
      exchange.stepBytes += exchange.pendingAnswer - pending
      exchange.pendingAnswer = pending
      exchange.lastAnswerByte = now
      if pending == 0 || exchange.stepBytes >= Self.stepSize { noteStep(of: exchange) }
      if !isFull(exchange) { exchange.resumeRoomWaiter(returning: true) }
    }
  }

  private func noteStep(of exchange: HTTP2Exchange) {
    exchange.lastAnswerStep = now
    exchange.stepBytes = 0
  }

  /// Ends the connection after the frames that are left.
  private func end() {
    guard !isDone else { return }
    isDone = true
    if let output = try? session.takeOutput(upTo: context.configuration.outputWatermark) { connection.write(output) }
    connection.finish()
  }

  // MARK: Body

  func bodyWasDemanded(of exchange: HTTP2Exchange) {
    guard !isDone else { return }
    exchange.lastBodyByte = now
    if !exchange.isBodyInvited {
      exchange.isBodyInvited = true
      exchange.bodyStart = now
      session.submitContinue(stream: exchange.stream)
      scheduleFlush()
    }
    noteBodyDeadline(of: exchange)
  }

  func bodyWasTaken(_ count: Int, of exchange: HTTP2Exchange) {
    guard !isDone else { return }
    exchange.lastBodyByte = now
    session.consume(count, stream: exchange.stream)
    noteBodyDeadline(of: exchange)
    scheduleFlush()
  }

  // MARK: Answer

  private func isOpen(_ exchange: HTTP2Exchange) -> Bool { !isDone && exchanges[exchange.stream] === exchange }

  func start(_ response: HTTPResponse, for exchange: HTTP2Exchange) -> Bool {
    guard isOpen(exchange), !exchange.isAnswerStarted else { return false }
    exchange.isAnswerStarted = true
    exchange.lease = response.lease
    let body = outgoingBody(response, exchange)
    do throws(HTTP2Error) {
      let block = headerBlock(response, exchange)
      try session.submitResponse(stream: exchange.stream, block, body: body)
    } catch {
      session.resetStream(exchange.stream, .internalError)
      scheduleFlush()
      return false
    }
    if let body { watchAnswer(exchange, body.pendingBytes) }
    scheduleFlush()
    return body.map { !$0.isFinished } ?? false
  }

  /// - Returns: `nil` when the header section is all of the answer.
  private func outgoingBody(_ response: HTTPResponse, _ exchange: HTTP2Exchange) -> OutgoingBody? {
    if exchange.method == .head || response.status == 204 || response.status == 304 { return nil }
    var body = OutgoingBody()
    switch response.body {
    case .none:
      guard !response.trailers.isEmpty else { return nil }
    case .bytes(let bytes):
      guard !bytes.isEmpty || !response.trailers.isEmpty else { return nil }
      body.append(bytes)
    case .stream: return body
    }
    body.isFinished = true
    body.trailers = response.trailers
    return body
  }

  private func headerBlock(_ response: HTTPResponse, _ exchange: HTTP2Exchange) -> HeaderBlock {
    var block = HeaderBlock()
    block.append(":status", String(response.status))
    var hasDate = false
    for field in response.headers.fields {
      switch field.name {
      // RFC 9113, section 8.2.2: fields of the connection have no place here.
      case "connection", "transfer-encoding", "keep-alive", "upgrade", "proxy-connection": continue
      case "content-length":
        if case .bytes = response.body { continue }
      case "date": hasDate = true
      default: break
      }
      block.append(field.name, field.value)
    }
    if case .bytes(let bytes) = response.body, response.trailers.isEmpty, response.status != 204 {
      block.append("content-length", String(bytes.count))
    }
    if !hasDate { block.append("date", String(decoding: context.date.value(), as: UTF8.self)) }
    return block
  }

  /// - Returns: Whether further pieces are wanted.
  func send(_ piece: [UInt8], for exchange: HTTP2Exchange) -> Bool {
    guard isOpen(exchange) else { return false }
    session.appendBody(piece, stream: exchange.stream)
    watchAnswer(exchange, piece.count)
    scheduleFlush()
    return true
  }

  /// Notes that bytes of an answer wait, so that a client that never opens its window is noticed.
  private func watchAnswer(_ exchange: HTTP2Exchange, _ count: Int) {
    guard count > 0 else { return }
    if exchange.pendingAnswer == 0 {
      exchange.lastAnswerByte = now
      noteStep(of: exchange)
    }
    exchange.pendingAnswer += count
    noteDeadline(after: context.configuration.writeTimeout)
  }

  /// Whether the next piece should wait.
  func isFull(_ exchange: HTTP2Exchange) -> Bool {
    isOpen(exchange) && session.pendingBody(stream: exchange.stream) > context.configuration.outputWatermark
  }

  func finish(_ exchange: HTTP2Exchange, trailers: HTTPHeaders) {
    guard isOpen(exchange) else { return }
    session.finishBody(stream: exchange.stream, trailers: trailers)
    scheduleFlush()
  }

  func abort(_ exchange: HTTP2Exchange) {
    guard isOpen(exchange) else { return }
    session.resetStream(exchange.stream, .internalError)
    scheduleFlush()
  }

  // MARK: End

  func didClose() {
    isDone = true
    let open = exchanges.values
    exchanges = [:]
    for exchange in open { end(exchange) }
  }

  func beginShutdown() {
    guard !isShuttingDown, !isDone else { return }
    isShuttingDown = true
    session.submitGoAway()
    scheduleFlush()
    guard context.waitsEndAtShutdown else { return }
    for exchange in exchanges.values where exchange.isRequestComplete { cancelWait(of: exchange) }
  }

  func refuseBodies() {
    for exchange in exchanges.values where !exchange.isRequestComplete { exchange.pipe.fail(.shuttingDown) }
    scheduleFlush()
  }

  /// Tells a handler that there is no point in waiting for something to happen: others do not heed it.
  private func cancelWait(of exchange: HTTP2Exchange) {
    if !exchange.isAnswerStarted { exchange.task?.cancel() }
  }

  /// Frames say where a body ends.
  var endsBodyWithConnection: Bool { false }

  // MARK: Deadlines

  var deadline: UInt64? { isDone ? nil : nextCheck }

  private func noteDeadline(after timeout: Duration) { noteDeadline(at: now + timeout.wholeMilliseconds) }

  private func noteBodyDeadline(of exchange: HTTP2Exchange) {
    let configuration = context.configuration
    noteDeadline(
      at: min(
        exchange.lastBodyByte + configuration.bodyTimeout.wholeMilliseconds,
        exchange.bodyStart + configuration.bodyDeadline.wholeMilliseconds))
  }

  private func noteDeadline(at time: UInt64) { nextCheck = min(nextCheck ?? .max, time) }

  func deadlineDidPass() {
    nextCheck = nil
    let configuration = context.configuration
    if let headerStart, hasPassed(headerStart, configuration.headerTimeout) {
      context.counters.timeouts.increment()
      session.terminate(.protocolError)
      end()
      return
    }
    if exchanges.isEmpty && hasPassed(idleStart, configuration.idleTimeout) {
      session.submitGoAway()
      end()
      return
    }
    for exchange in exchanges.values { checkDeadlines(of: exchange) }
    scheduleFlush()
  }

  private func checkDeadlines(of exchange: HTTP2Exchange) {
    let configuration = context.configuration
    let lastProgress = connection.answers.isScarce ? exchange.lastAnswerStep : exchange.lastAnswerByte
    if exchange.pendingAnswer > 0 && hasPassed(lastProgress, configuration.writeTimeout) {
      context.counters.timeouts.increment()
      session.resetStream(exchange.stream, .cancel)
      return
    }
    let waitsForBody = !exchange.isRequestComplete && !exchange.isAnswerEnded && exchange.isBodyInvited
    let isHeldBack = exchange.pipe.heldBytes > 0
    guard waitsForBody && !isHeldBack else { return }
    // Not `||`: each notes its own end when it has not passed.
    let isSilent = hasPassed(exchange.lastBodyByte, configuration.bodyTimeout)
    let isLate = hasPassed(exchange.bodyStart, configuration.bodyDeadline)
    if isSilent || isLate {
      context.counters.timeouts.increment()
      exchange.pipe.fail(.timedOut)
    }
  }

  /// Whether a wait is over; otherwise the deadline is noted for later.
  private func hasPassed(_ start: UInt64, _ timeout: Duration) -> Bool {
    let end = start + timeout.wholeMilliseconds
    if end <= now { return true }
    noteDeadline(at: end)
    return false
  }
}
