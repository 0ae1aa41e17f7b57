/// A request that was sent, and its answer as it arrives.
///
/// One task reads it: first ``head()``, then ``next()`` until the end. What is not read is held back: after
/// ``bufferLimit`` bytes the server is not read any further. Unchecked Sendable: its state is touched on the thread of
/// `loop` alone.
package final class HTTPTransfer: @unchecked Sendable {
  /// Bytes that wait for the reader before the server is made to wait.
  package static let bufferLimit = 256 * 1024

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
  private var response: ClientResponse?
  private var buffer: [UInt8] = []
  private var state = State.open
  private var waiter: CheckedContinuation<Void, Never>?
  private var isPaused = false

  init(_ request: ClientRequest, pool: TransferPool) {
    self.request = request
    self.pool = pool
    loop = pool.loop
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

  private func head(on isolation: isolated LoopIsolation) async -> Result<ClientResponse, ClientError> {
    while true {
      if let response { return .success(response) }
      if let error { return .failure(error) }
      await wait(on: isolation)
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
      case .open: await wait(on: isolation)
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

  private func wait(on isolation: isolated LoopIsolation) async {
    precondition(waiter == nil, "one task reads an answer")
    await withTaskCancellationHandler {
      if Task.isCancelled { return cancel() }
      await withCheckedContinuation { waiter = $0 }
    } onCancel: {
      loop.execute { self.cancel() }
    }
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
    release(keepsConnection: false)
    wakeReader()
  }

  /// Lets the server go on after the reader has taken what was held.
  private func resumeReceiving() {
    guard isPaused, let handle else { return }
    isPaused = false
    pool?.resume(handle)
  }

  // MARK: Pool

  func start() {
    do throws(ClientError) {
      guard let pool else { throw .cancelled }
      let handle = try pool.takeHandle()
      self.handle = handle
      try handle.prepare(request, for: self)
      try pool.add(handle)
    } catch {
      fail(error)
    }
  }

  /// Takes a line of the header section.
  func receiveLine(_ line: Span<UInt8>) {
    // What follows the body are trailers, which nobody asks for.
    guard response == nil else { return }
    if case .complete(let head) = headReader.read(line) {
      response = head
      wakeReader()
    }
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
    wakeReader()
    return true
  }

  /// The transfer has ended; `nil` means well.
  func finish(_ error: ClientError?) {
    guard case .open = state else { return }
    state = error.map { .failed($0) } ?? .complete
    release(keepsConnection: true)
    wakeReader()
  }

  private func release(keepsConnection: Bool) {
    guard let handle else { return }
    self.handle = nil
    pool?.remove(handle)
  }

  // Resuming only queues the reader, which then takes all that has come by then.
  private func wakeReader() { waiter.take()?.resume() }
}
