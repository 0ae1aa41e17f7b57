/// HTTP/1 on a connection: one request after the other, answered in order.
final class HTTP1Connection: ConnectionProtocol {
  /// Bytes of later requests that are kept while one is answered.
  private static let unreadLimit = 64 * 1024

  // The connection owns this object and tells it when it closes.
  private unowned let connection: HTTPConnection
  private let context: ConnectionContext
  private let parser: HTTP1Parser
  private var exchange: HTTP1Exchange?
  /// Bytes that came while a request was being answered, from `unreadStart` on.
  private var unread: [UInt8] = []
  private var unreadStart = 0
  private var hasInputEnded = false
  private var isShuttingDown = false
  /// The last answer is written, or the connection is lost.
  private var isDone = false
  /// Whether a request has been answered, after which the longer idle deadline holds.
  private var hasServed = false
  /// The start of the request's head, or of the wait for one.
  private var waitStart: UInt64
  private var lastBodyByte: UInt64
  /// When the client was free to send the body.
  private var bodyStart: UInt64

  init(connection: HTTPConnection) {
    self.connection = connection
    context = connection.context
    let configuration = context.configuration
    parser = HTTP1Parser(
      limits: .init(bytes: configuration.maximumHeaderBytes, count: configuration.maximumHeaderCount))
    waitStart = context.loop.now
    lastBodyByte = waitStart
    bodyStart = waitStart
  }

  private var now: UInt64 { context.loop.now }

  // MARK: Input

  func receive(_ bytes: Span<UInt8>) {
    guard !isDone else { return }
    var used = 0
    if unread.isEmpty && canParse { used = parse(bytes) }
    if used < bytes.count { keep(bytes.extracting(used..<bytes.count)) }
    proceed()
  }

  /// Keeps bytes of later requests.
  private func keep(_ bytes: Span<UInt8>) {
    // A client that always has requests under way never lets the array run empty, so its used part goes here.
    unread.removeFirst(unreadStart)
    unreadStart = 0
    unsafe bytes.withUnsafeBufferPointer { unsafe unread.append(contentsOf: $0) }
  }

  func receiveEnd() {
    hasInputEnded = true
    if let exchange {
      if exchange.isAnswerStarted && !exchange.isAnswerComplete && exchange.endsWithInput {
        abort(exchange)
        return
      }
      if exchange.isRequestComplete { cancelWait(of: exchange) } else { breakInput(of: exchange, .disconnected) }
    }
    proceed()
  }

  /// Tells a handler that there is no point in waiting: its client sends nothing more and has most likely gone, or the
  /// server is shutting down.
  ///
  /// Clients that do read on, half-closed connections of `nc -N` for example, get their answer: only a handler that
  /// waits for something to happen heeds the cancellation, and answers with what there is.
  private func cancelWait(of exchange: HTTP1Exchange) {
    if !exchange.isAnswerStarted { exchange.task?.cancel() }
  }

  /// Whether the parser may read on: it waits while a complete request is being answered, and while much of former
  /// answers is not sent, because a client could ask on and on and read nothing.
  private var canParse: Bool {
    guard let exchange else { return !isHeldUp }
    return !exchange.isRequestComplete
  }

  private var isHeldUp: Bool { connection.pendingOutput > context.configuration.outputWatermark }

  /// - Returns: How many bytes were used.
  private func parse(_ bytes: Span<UInt8>) -> Int {
    // What follows broken framing cannot be read as anything.
    if exchange?.isInputBroken == true { return bytes.count }
    if exchange == nil && !parser.isInHead { waitStart = now }
    let (events, outcome) = parser.parse(bytes)
    for event in events {
      switch event {
      case .head(let head): begin(head)
      case .body(let range): receiveBody(bytes.extracting(range))
      case .end:
        exchange?.isRequestComplete = true
        exchange?.pipe.finish()
        if hasInputEnded || endsWaits, let exchange { cancelWait(of: exchange) }
      }
    }
    switch outcome {
    case .needsMore: return bytes.count
    case .requestEnded(let consumed): return consumed
    case .failed(let error):
      fail(error)
      return bytes.count
    }
  }

  private func begin(_ head: HTTP1RequestHead) {
    context.counters.http1Requests.increment()
    let exchange = HTTP1Exchange(head: head, loop: context.loop, connection: self)
    self.exchange = exchange
    lastBodyByte = now
    bodyStart = now
    var request = HTTPRequest(
      method: head.method, path: head.path, query: head.query, version: head.version, headers: head.headers,
      peer: connection.peer, body: RequestBody(exchange.pipe), answers: connection.answers)
    request.isAbsoluteForm = head.isAbsoluteForm
    exchange.task = startAnswering(request, in: context, to: exchange)
  }

  private func receiveBody(_ bytes: Span<UInt8>) {
    guard let exchange else { return }
    lastBodyByte = now
    exchange.isBodyInvited = true
    exchange.receivedBytes += bytes.count
    if exchange.isAnswerComplete {
      exchange.drainedBytes += bytes.count
      if exchange.drainedBytes > context.configuration.drainLimit { exchange.isLast = true }
    } else {
      exchange.pipe.receive(bytes)
    }
  }

  private func fail(_ error: HTTP1Error) {
    if error.status == 431 {
      context.counters.oversizedHeaders.increment()
    } else {
      context.counters.malformedRequests.increment()
    }
    if let exchange {
      breakInput(of: exchange, .malformed)
    } else {
      refuse(status: error.status, error.description)
    }
  }

  private func breakInput(of exchange: HTTP1Exchange, _ error: BodyError) {
    exchange.isInputBroken = true
    exchange.isLast = true
    exchange.pipe.fail(error)
  }

  /// Answers without a handler, and ends the connection.
  private func refuse(status: Int, _ text: String) {
    var response = HTTPResponse(status: status, headers: ["content-type": "text/plain; charset=utf-8"])
    if status == 503 { response.headers.append("retry-after", "1") }
    response.body = .bytes(Array((text + "\n").utf8))
    let head = HTTP1ResponseEncoder.head(
      response, framing: .length(text.utf8.count + 1),
      .init(method: .get, version: .http11, closes: true, date: context.date.value()))
    if case .bytes(let body) = response.body { connection.write(head, body) }
    end()
  }

  // MARK: Order of requests

  /// Goes on as far as the bytes and the answers allow.
  private func proceed() {
    while !isDone {
      if let exchange, exchange.isAnswerComplete, exchange.isRequestComplete || exchange.isLast {
        finishExchange(exchange)
        continue
      }
      guard canParse, unreadStart < unread.count else { break }
      let bytes = unread
      unreadStart += parse(bytes.span.extracting(unreadStart..<bytes.count))
      if unreadStart == unread.count { (unread, unreadStart) = ([], 0) }
    }
    if !isDone && hasInputEnded && exchange == nil && !isHeldUp { end() }
    guard !isDone else { return }
    updateReading()
    connection.updateDeadline()
  }

  private func finishExchange(_ exchange: HTTP1Exchange) {
    self.exchange = nil
    hasServed = true
    waitStart = now
    if exchange.isLast || isShuttingDown { end() }
  }

  /// Ends the connection after what is written.
  private func end() {
    guard !isDone else { return }
    isDone = true
    connection.finish()
  }

  private func updateReading() {
    let isHeldBack = exchange.map { $0.pipe.heldBytes >= context.configuration.bodyBufferLimit } ?? false
    if isHeldBack || unread.count - unreadStart >= Self.unreadLimit {
      connection.pauseReading()
    } else if !hasInputEnded {
      connection.resumeReading()
    }
  }

  // MARK: Body

  func bodyWasDemanded(of exchange: HTTP1Exchange) {
    guard self.exchange === exchange, !isDone, !exchange.isBodyInvited else { return }
    exchange.isBodyInvited = true
    lastBodyByte = now
    bodyStart = now
    if !exchange.isAnswerStarted { connection.write(HTTP1ResponseEncoder.continueHead) }
    connection.updateDeadline()
  }

  func bodyWasTaken(of exchange: HTTP1Exchange) {
    guard self.exchange === exchange, !isDone, !exchange.isRequestComplete else { return }
    lastBodyByte = now
    updateReading()
    connection.updateDeadline()
  }

  // MARK: Answer

  func start(_ response: HTTPResponse, for exchange: HTTP1Exchange) -> Bool {
    guard self.exchange === exchange, !isDone, !exchange.isAnswerStarted else { return false }
    exchange.isAnswerStarted = true
    exchange.lease = response.lease
    if response.endsWithInput, case .stream = response.body {
      exchange.endsWithInput = true
      // The client may have closed its side before.
      if hasInputEnded {
        abort(exchange)
        return false
      }
    }
    let head = exchange.head
    exchange.framing = HTTP1ResponseEncoder.framing(of: response, method: head.method, version: head.version)
    exchange.isLast = exchange.isLast || isLast(response, exchange)
    let bytes = HTTP1ResponseEncoder.head(
      response, framing: exchange.framing,
      .init(method: head.method, version: head.version, closes: exchange.isLast, date: context.date.value()))
    return write(bytes, response, exchange)
  }

  /// - Returns: Whether pieces of a stream are to follow.
  private func write(_ head: [UInt8], _ response: HTTPResponse, _ exchange: HTTP1Exchange) -> Bool {
    switch (response.body, exchange.framing) {
    case (.none, _), (_, .none): connection.write(head)
    case (.bytes(let body), .chunked):
      connection.write(head)
      write(body, framedAs: .chunked)
      connection.write(HTTP1ResponseEncoder.lastChunk(trailers: response.trailers))
    case (.bytes(let body), _): connection.write(head, body)
    case (.stream, _):
      connection.write(head)
      connection.updateDeadline()
      return true
    }
    complete(exchange)
    return false
  }

  /// Whether the connection cannot serve another request after this answer.
  private func isLast(_ response: HTTPResponse, _ exchange: HTTP1Exchange) -> Bool {
    if !exchange.head.isKeepAlive || response.closesConnection || isShuttingDown { return true }
    if exchange.framing == .close || hasInputEnded && unread.isEmpty { return true }
    guard !exchange.isRequestComplete else { return false }
    // The client may still send the body or not (RFC 9110, section 10.1.1): what comes next would be ambiguous.
    guard exchange.isBodyInvited else { return true }
    let rest = exchange.head.declaredLength.map { $0 - exchange.receivedBytes } ?? 0
    return rest > context.configuration.drainLimit
  }

  func send(_ piece: [UInt8], for exchange: HTTP1Exchange, on isolation: isolated LoopIsolation) async -> Bool {
    guard self.exchange === exchange, !isDone else { return false }
    exchange.sentBytes += piece.count
    if case .length(let length) = exchange.framing, exchange.sentBytes > length {
      abort(exchange)
      return false
    }
    write(piece, framedAs: exchange.framing)
    connection.updateDeadline()
    return await connection.waitForRoom(on: isolation)
  }

  private func write(_ piece: [UInt8], framedAs framing: HTTP1ResponseEncoder.Framing) {
    guard !piece.isEmpty else { return }
    if framing == .chunked {
      connection.write(HTTP1ResponseEncoder.chunkHead(piece.count), piece, HTTP1ResponseEncoder.chunkEnd)
    } else {
      connection.write(piece)
    }
  }

  func finish(_ exchange: HTTP1Exchange, trailers: HTTPHeaders) {
    guard self.exchange === exchange, !isDone else { return }
    switch exchange.framing {
    case .chunked: connection.write(HTTP1ResponseEncoder.lastChunk(trailers: trailers))
    case .length(let length) where length != exchange.sentBytes:
      abort(exchange)
      return
    case .length, .close, .none: break
    }
    complete(exchange)
  }

  func abort(_ exchange: HTTP1Exchange) {
    guard self.exchange === exchange, !isDone else { return }
    connection.close()
    isDone = true
  }

  var endsBodyWithConnection: Bool {
    guard let exchange else { return false }
    return exchange.isAnswerStarted && !exchange.isAnswerComplete && exchange.framing == .close
  }

  private func complete(_ exchange: HTTP1Exchange) {
    exchange.isAnswerComplete = true
    connection.keepUntilDrained(exchange.lease)
    // Whatever still comes of the body is drained, not kept.
    exchange.pipe.fail(.disconnected)
    proceed()
  }

  func didDrain() {
    // The wait for a request begins when the answer to the last one has gone.
    if exchange == nil && !parser.isInHead { waitStart = now }
    proceed()
  }

  // MARK: End

  func didClose() {
    isDone = true
    exchange?.pipe.fail(.disconnected)
    if exchange?.isAnswerComplete == false { exchange?.task?.cancel() }
    exchange = nil
  }

  func beginShutdown() {
    isShuttingDown = true
    if exchange == nil && !parser.isInHead { end() }
    if endsWaits, let exchange, exchange.isRequestComplete { cancelWait(of: exchange) }
  }

  func refuseBodies() {
    guard !isDone else { return }
    if exchange == nil && parser.isInHead { return refuse(status: 503, "the server is shutting down") }
    guard let exchange, !exchange.isRequestComplete, !exchange.isInputBroken else { return }
    breakInput(of: exchange, .shuttingDown)
    proceed()
  }

  private var endsWaits: Bool { isShuttingDown && context.waitsEndAtShutdown }

  // MARK: Deadlines

  var deadline: UInt64? {
    let configuration = context.configuration
    guard !isDone else { return nil }
    guard let exchange else {
      // The deadline for writing holds.
      if connection.pendingOutput > 0 && !parser.isInHead { return nil }
      let timeout = parser.isInHead || !hasServed ? configuration.headerTimeout : configuration.idleTimeout
      return waitStart + timeout.wholeMilliseconds
    }
    let waitsForBody = !exchange.isRequestComplete && !exchange.isInputBroken && exchange.isBodyInvited
    let isHeldBack = exchange.pipe.heldBytes >= configuration.bodyBufferLimit
    guard waitsForBody && !isHeldBack else { return nil }
    return min(
      lastBodyByte + configuration.bodyTimeout.wholeMilliseconds,
      bodyStart + configuration.bodyDeadline.wholeMilliseconds)
  }

  func deadlineDidPass() {
    if let exchange {
      context.counters.timeouts.increment()
      breakInput(of: exchange, .timedOut)
      proceed()
    } else if parser.isInHead {
      context.counters.timeouts.increment()
      refuse(status: 408, "the request did not arrive in time")
    } else {
      isDone = true
      connection.close()
    }
  }
}
