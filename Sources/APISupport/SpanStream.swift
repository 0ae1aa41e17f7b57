import Threads
import TraceStore
import Transport

/// The pieces of an answer on their way from the threads that read to the connection that sends them.
///
/// Rendering is ahead of sending, so that the two happen at once, but only by a few pieces. A thread renders in turns: a
/// turn ends when enough pieces wait for the connection, or when it has lasted so long that other queries come first. So
/// a slow client holds neither a thread nor much memory; and when many are slow, nothing is rendered ahead for any.
final class SpanStream<Pieces: AnswerPieces>: Sendable {
  private enum Rendering {
    /// A thread is at it.
    case running
    /// The next turn waits for a thread.
    case queued(Pieces)
    /// Enough pieces wait for the connection.
    case paused(Pieces)
    case ended(Result<Void, StoreError>)
  }

  private struct State {
    /// Pieces that were rendered and not taken yet.
    var pieces: [[UInt8]] = []
    /// Bytes that the connection has taken, and may not have sent.
    var takenBytes = 0
    /// What the answer keeps beside its pieces until the last of them is made.
    var keptBytes = 0
    var rendering = Rendering.running
    /// The connection, when it waits for a piece.
    var consumer: CheckedContinuation<Void, Never>?

    var hasEnded: Bool { if case .ended = rendering { true } else { false } }

    var heldBytes: Int { pieces.reduce(takenBytes + keptBytes) { $0 + $1.count } }
  }

  /// How many pieces wait when a turn ends.
  private static var enoughPieces: Int { 2 }

  /// How many pieces are left when the next turn begins; some, so that the connection need not wait for it.
  private static var fewPieces: Int { 1 }

  /// What the connection can have left to send when it asks for a piece, in bytes; see `outputWatermark`.
  private static var mostUnsentBytes: Int { 256 << 10 }

  /// How many bytes a turn renders: some milliseconds.
  private static var turnSize: Int { 2 << 20 }

  private let reader: any SpanReader
  private let lease: AnswerAllowance.Lease
  private let state = Locked(State())

  /// Starts to render.
  ///
  /// - Parameters:
  ///   - lease: What the answer holds.
  ///   - start: Finds out what there is to render, on the thread that reads.
  init(
    _ reader: any SpanReader, _ lease: AnswerAllowance.Lease,
    start: @escaping @Sendable (any ReadSession) throws(StoreError) -> Pieces
  ) {
    self.reader = reader
    self.lease = lease
    reader.submit { [self] session in turn(session, isFirst: true, start) }
  }

  /// Starts to select spans and to render them.
  ///
  /// - Parameter renderer: Made from what was selected, on the thread that reads.
  convenience init<Renderer: SpanRenderer>(
    _ reader: any SpanReader, _ query: SpanQuery, _ lease: AnswerAllowance.Lease,
    renderer: @escaping @Sendable (SpanSelection) throws(StoreError) -> Renderer
  ) where Pieces == SpanPieces<Renderer> {
    self.init(reader, lease) { session throws(StoreError) in
      let selection = try session.select(query)
      return SpanPieces(selection.rows, of: query, try renderer(selection))
    }
  }

  // MARK: The threads that read

  private func submitTurn() {
    reader.submit { [self] session in
      turn(session, isFirst: false) { _ in
        state.withLock { state in
          guard case .queued(let pieces) = state.rendering else {
            preconditionFailure("a turn has something to render")
          }
          state.rendering = .running
          return pieces
        }
      }
    }
  }

  private func turn(
    _ session: Result<any ReadSession, StoreError>, isFirst: Bool,
    _ start: (any ReadSession) throws(StoreError) -> Pieces
  ) {
    do throws(StoreError) {
      let session = try session.get()
      var pieces = try start(session)
      var size = 0
      var hasRoom = true
      while hasRoom && size < Self.turnSize {
        let piece = try pieces.next(session)
        if isFirst && size == 0 { try check(piece, pieces) }
        size += piece.count
        hasRoom = deliver(piece, keptBytes: pieces.isFinished ? 0 : pieces.keptBytes, isLast: pieces.isFinished)
      }
      if !pieces.isFinished { endTurn(pieces) }
    } catch {
      end(.failure(error))
    }
  }

  /// Refuses an answer that is not small, when others hold all that answers may.
  private func check(_ first: [UInt8], _ pieces: Pieces) throws(StoreError) {
    guard !pieces.isFinished || first.count > AnswerAllowance.usualBytes, lease.isRefused else { return }
    throw .unreadAnswers
  }

  /// - Returns: Whether another piece is wanted now.
  private func deliver(_ piece: [UInt8], keptBytes: Int, isLast: Bool) -> Bool {
    let (consumer, hasRoom) = state.withLock { state in
      state.pieces.append(piece)
      state.keptBytes = keptBytes
      lease.hold(state.heldBytes)
      if isLast { state.rendering = .ended(.success(())) }
      let hasRoom = !isLast && !lease.isScarce && state.pieces.count < Self.enoughPieces
      return (state.consumer.take(), hasRoom)
    }
    consumer?.resume()
    return hasRoom
  }

  private func endTurn(_ rest: Pieces) {
    let goesOn = state.withLock { state in
      let goesOn = state.consumer != nil || rendersAhead(of: state)
      state.rendering = goesOn ? .queued(rest) : .paused(rest)
      return goesOn
    }
    if goesOn { submitTurn() }
  }

  private func end(_ result: Result<Void, StoreError>) {
    let consumer = state.withLock { state in
      state.rendering = .ended(result)
      return state.consumer.take()
    }
    consumer?.resume()
  }

  // MARK: The connection

  /// Waits for the first piece.
  ///
  /// - Returns: The answer, if that is all of it; `nil` when ``next()`` is to be asked for the pieces.
  func wholeAnswer() async throws(StoreError) -> [UInt8]? {
    await waitForPiece()
    return try state.withLock { state throws(StoreError) in
      guard case .ended(let result) = state.rendering, state.pieces.count <= 1 else { return nil }
      try result.get()
      return state.pieces.popLast()
    }
  }

  /// The next piece, `nil` after the last.
  func next() async throws(StoreError) -> [UInt8]? {
    state.withLock { state in
      // By asking for a piece the connection says that it has sent most of the former ones.
      state.takenBytes = min(state.takenBytes, Self.mostUnsentBytes)
      lease.hold(state.heldBytes)
    }
    await waitForPiece()
    let (piece, goesOn) = try state.withLock { state throws(StoreError) in
      guard !state.pieces.isEmpty else {
        if case .ended(let result) = state.rendering { try result.get() }
        return ([UInt8]?.none, false)
      }
      let piece = state.pieces.removeFirst()
      state.takenBytes += piece.count
      guard case .paused(let rest) = state.rendering, rendersAhead(of: state) else { return (piece, false) }
      state.rendering = .queued(rest)
      return (piece, true)
    }
    if goesOn { submitTurn() }
    return piece
  }

  /// Whether the next turn begins before the connection asks for what it makes.
  private func rendersAhead(of state: State) -> Bool { !lease.isScarce && state.pieces.count <= Self.fewPieces }

  /// How many pieces wait for the connection.
  var waitingPieces: Int { state.withLock { $0.pieces.count } }

  /// Whether nothing remains to be rendered.
  var isRendered: Bool { state.withLock { $0.hasEnded } }

  private func waitForPiece() async {
    await withCheckedContinuation { continuation in
      let (isReady, goesOn) = state.withLock { state in
        if !state.pieces.isEmpty || state.hasEnded { return (true, false) }
        state.consumer = continuation
        // Under the same lock, or a turn that ends meanwhile would leave nobody to begin the next.
        guard case .paused(let rest) = state.rendering else { return (false, false) }
        state.rendering = .queued(rest)
        return (false, true)
      }
      if goesOn { submitTurn() }
      if isReady { continuation.resume() }
    }
  }
}
