/// One HTTP/1 request and its answer.
///
/// Unchecked Sendable: confined to the thread of the connection's loop.
final class HTTP1Exchange: ResponseSink, BodyPipeOwner, @unchecked Sendable {
  let head: HTTP1RequestHead
  let pipe: BodyPipe
  private weak var connection: HTTP1Connection?
  var task: Task<Void, Never>?

  /// All of the request has come.
  var isRequestComplete = false
  /// The request cannot be read further: it is malformed, or the client is gone or too slow.
  var isInputBroken = false
  var receivedBytes = 0
  var drainedBytes = 0
  /// The client was told to send the body, or has begun without being told.
  var isBodyInvited: Bool
  var isAnswerStarted = false
  var isAnswerComplete = false
  /// The answer ends when the client closes its side.
  var endsWithInput = false
  /// The connection ends after the answer.
  var isLast = false
  /// What the answer holds of the budget of answers.
  var lease: AnswerAllowance.Lease?
  var framing = HTTP1ResponseEncoder.Framing.none
  /// Bytes of a streamed answer.
  var sentBytes = 0

  init(head: HTTP1RequestHead, loop: EventLoop, connection: HTTP1Connection) {
    self.head = head
    self.connection = connection
    pipe = BodyPipe(loop: loop, declaredLength: head.declaredLength)
    isBodyInvited = !head.expectsContinue
    pipe.owner = self
  }

  // MARK: Body

  func bodyWasDemanded() { connection?.bodyWasDemanded(of: self) }

  func bodyWasTaken(_ count: Int) { connection?.bodyWasTaken(of: self) }

  // MARK: Answer

  func start(_ response: HTTPResponse) -> Bool { connection?.start(response, for: self) ?? false }

  func send(_ piece: [UInt8], on isolation: isolated LoopIsolation) async -> Bool {
    guard let connection else { return false }
    return await connection.send(piece, for: self, on: isolation)
  }

  func finish(trailers: HTTPHeaders) { connection?.finish(self, trailers: trailers) }

  func abort() { connection?.abort(self) }
}
