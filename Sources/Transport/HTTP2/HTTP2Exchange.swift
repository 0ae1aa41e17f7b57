/// One HTTP/2 request and its answer.
///
/// Unchecked Sendable: confined to the thread of the connection's loop.
final class HTTP2Exchange: ResponseSink, BodyPipeOwner, @unchecked Sendable {
  let stream: Int32
  let method: HTTPMethod
  let pipe: BodyPipe
  private weak var connection: HTTP2Connection?
  var task: Task<Void, Never>?

  /// The client has sent all of the request.
  var isRequestComplete = false
  /// The client was told to send the body, or has begun without being told.
  var isBodyInvited: Bool
  var isAnswerStarted = false
  /// The last frame of the answer is on its way.
  var isAnswerEnded = false
  var lastBodyByte: UInt64
  /// When the client was free to send the body.
  var bodyStart: UInt64
  /// When bytes of the answer last went into frames.
  var lastAnswerByte: UInt64
  /// When so many bytes had gone that the client can be said to read.
  var lastAnswerStep: UInt64
  /// Bytes that have gone since.
  var stepBytes = 0
  /// Bytes of the answer that wait for the client's window, when last looked at.
  var pendingAnswer = 0
  /// What the answer holds of the budget of answers.
  var lease: AnswerAllowance.Lease?
  /// The task that answers waits for room.
  var roomWaiter: CheckedContinuation<Bool, Never>?

  init(stream: Int32, head: HTTP2RequestHead, loop: EventLoop, connection: HTTP2Connection) {
    self.stream = stream
    self.connection = connection
    method = head.method
    pipe = BodyPipe(loop: loop, declaredLength: head.declaredLength)
    isBodyInvited = !head.expectsContinue
    lastBodyByte = loop.now
    bodyStart = loop.now
    lastAnswerByte = loop.now
    lastAnswerStep = loop.now
    pipe.owner = self
  }

  // MARK: Body

  func bodyWasDemanded() { connection?.bodyWasDemanded(of: self) }

  func bodyWasTaken(_ count: Int) { connection?.bodyWasTaken(count, of: self) }

  // MARK: Answer

  func start(_ response: HTTPResponse) -> Bool { connection?.start(response, for: self) ?? false }

  func send(_ piece: [UInt8], on isolation: isolated LoopIsolation) async -> Bool {
    guard let connection, connection.send(piece, for: self) else { return false }
    guard connection.isFull(self) else { return true }
    return await withCheckedContinuation { roomWaiter = $0 }
  }

  func finish(trailers: HTTPHeaders) { connection?.finish(self, trailers: trailers) }

  func abort() { connection?.abort(self) }

  /// Lets the task that answers go on, or end.
  func resumeRoomWaiter(returning value: Bool) {
    roomWaiter.take()?.resume(returning: value)
  }
}
