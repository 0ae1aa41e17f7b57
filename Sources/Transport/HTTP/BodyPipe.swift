/// Where a connection leaves the body of a request for the task that reads it.
///
/// Unchecked Sendable: its state is touched on the thread of `loop` alone. The connection calls from its callbacks; the
/// async methods are isolated to the loop.
final class BodyPipe: @unchecked Sendable {
  /// What a reader waits for.
  private enum Waiter {
    case whole(limit: Int, CheckedContinuation<Result<[UInt8], BodyError>, Never>)
    case piece(CheckedContinuation<Result<[UInt8]?, BodyError>, Never>)
  }

  /// Whether more bytes can come.
  private enum State {
    case open
    case complete
    case failed(BodyError)
  }

  /// How much is reserved at most before bytes have come.
  ///
  /// A larger declared length could be a lie.
  private static let largestReservation = 1024 * 1024

  let loop: EventLoop
  let declaredLength: Int?
  /// Told about demand, so that it can go on reading.
  weak var owner: (any BodyPipeOwner)?
  private var buffer: [UInt8] = []
  private var state = State.open
  private var waiter: Waiter?
  private var isDemanded = false
  /// Fails the body at the deadline of its request.
  private var expiry: LoopTimer?

  init(loop: EventLoop, declaredLength: Int?) {
    self.loop = loop
    self.declaredLength = declaredLength
  }

  /// Bytes that nobody has taken yet.
  var heldBytes: Int {
    if case .whole = waiter { 0 } else { buffer.count }
  }

  // MARK: Connection

  /// Takes the next bytes of the body; after a failure they are dropped.
  func receive(_ bytes: Span<UInt8>) {
    guard case .open = state, !bytes.isEmpty else {
      owner?.bodyWasTaken(bytes.count)
      return
    }
    if buffer.capacity == 0 {
      buffer.reserveCapacity(min(max(declaredLength ?? 0, bytes.count), Self.largestReservation))
    }
    unsafe bytes.withUnsafeBufferPointer { unsafe buffer.append(contentsOf: $0) }
    switch waiter {
    case nil: break
    case .whole(let limit, let continuation):
      if buffer.count > limit {
        waiter = nil
        state = .failed(.tooLarge(limit: limit))
        buffer = []
        continuation.resume(returning: .failure(.tooLarge(limit: limit)))
      }
      owner?.bodyWasTaken(bytes.count)
    case .piece(let continuation):
      waiter = nil
      continuation.resume(returning: .success(takeBuffer()))
      owner?.bodyWasTaken(bytes.count)
    }
  }

  /// The body is complete.
  func finish() {
    guard case .open = state else { return }
    state = .complete
    endExpiry()
    resume()
  }

  /// The rest of the body will not come.
  func fail(_ error: BodyError) {
    guard case .open = state else { return }
    state = .failed(error)
    endExpiry()
    let held = heldBytes
    buffer = []
    resume()
    if held > 0 { owner?.bodyWasTaken(held) }
  }

  private func endExpiry() {
    expiry?.close()
    expiry = nil
  }

  private func resume() {
    switch waiter.take() {
    case nil: break
    case .whole(_, let continuation): continuation.resume(returning: outcome.map { _ in takeBuffer() })
    case .piece(let continuation): continuation.resume(returning: outcome.map { _ in nil })
    }
  }

  /// What a reader gets once no more bytes can come.
  private var outcome: Result<Void, BodyError> {
    if case .failed(let error) = state { .failure(error) } else { .success(()) }
  }

  private func takeBuffer() -> [UInt8] {
    let bytes = buffer
    buffer = []
    return bytes
  }

  // MARK: Reader

  func expire(after timeout: Duration, on isolation: isolated LoopIsolation) {
    guard case .open = state, expiry == nil else { return }
    let timer = LoopTimer(loop: loop) { [weak self] in self?.fail(.timedOut) }
    timer.start(milliseconds: max(1, timeout.wholeMilliseconds))
    expiry = timer
  }

  func collect(upTo limit: Int, on isolation: isolated LoopIsolation) async -> Result<[UInt8], BodyError> {
    precondition(waiter == nil, "one task reads a body")
    if case .failed(let error) = state { return .failure(error) }
    if max(declaredLength ?? 0, buffer.count) > limit { return .failure(.tooLarge(limit: limit)) }
    if case .complete = state { return .success(takeAll()) }
    return await withCheckedContinuation { continuation in
      let held = buffer.count
      waiter = .whole(limit: limit, continuation)
      demand(held)
    }
  }

  func next(on isolation: isolated LoopIsolation) async -> Result<[UInt8]?, BodyError> {
    precondition(waiter == nil, "one task reads a body")
    if !buffer.isEmpty { return .success(takeAll()) }
    switch state {
    case .failed(let error): return .failure(error)
    case .complete: return .success(nil)
    case .open: break
    }
    return await withCheckedContinuation { continuation in
      waiter = .piece(continuation)
      demand(0)
    }
  }

  private func takeAll() -> [UInt8] {
    let bytes = takeBuffer()
    if !bytes.isEmpty { owner?.bodyWasTaken(bytes.count) }
    return bytes
  }

  private func demand(_ taken: Int) {
    if !isDemanded {
      isDemanded = true
      owner?.bodyWasDemanded()
    }
    if taken > 0 { owner?.bodyWasTaken(taken) }
  }
}

/// The exchange that a body belongs to; called on the loop's thread.
protocol BodyPipeOwner: AnyObject {
  /// A reader waits for bytes for the first time: a client that expects `100 Continue` may now send.
  func bodyWasDemanded()
  /// `count` bytes have left the pipe, so as many more may come.
  func bodyWasTaken(_ count: Int)
}
