import APISupport
import JSON
import Telemetry
import Threads
import TraceStore
import Transport

/// A page of rollouts, read and written piece by piece: their inputs can be as large as their senders like.
final class RolloutStream: Sendable {
  /// What a piece holds of inputs and metadata, in bytes.
  private static let pieceSize = 256 << 10

  /// What is known once the rollouts were found.
  private struct State {
    var places: [Int64] = []
    var position = 0
    var total = 0
    var writer = JSONWriter()
    var isDone = false
  }

  private let reader: any SpanReader
  private let search: LightningQuery<RolloutQuery>
  private let lease: AnswerAllowance.Lease
  private let state = Locked(State())

  init(_ reader: any SpanReader, _ search: LightningQuery<RolloutQuery>, _ lease: AnswerAllowance.Lease) {
    self.reader = reader
    self.lease = lease
    self.search = search
  }

  /// The answer: whole when it is one piece.
  func answer() async throws(StoreError) -> HTTPResponse {
    let first = try await reader.read { [self] session throws(StoreError) in
      let found = try session.rolloutPlaces(search.query)
      state.withLock { state in
        state.places = found.items
        state.total = found.total
        state.writer.beginObject()
        state.writer.key("items")
        state.writer.beginArray()
      }
      let first = try piece(session)
      let isSmall = state.withLock { $0.isDone } && first.count <= AnswerAllowance.usualBytes
      if !isSmall && lease.isRefused { throw .unreadAnswers }
      return first
    }
    let isWhole = state.withLock { $0.isDone }
    let pending = Locked<[UInt8]?>(first)
    var response = HTTPResponse(
      status: 200, headers: ["content-type": "application/json"],
      body: isWhole
        ? .bytes(first)
        : .stream { [self] in
          if let first = pending.withLock({ $0.take() }) { return first }
          return try await next()
        })
    response.lease = lease
    return response
  }

  /// The next piece, `nil` after the last.
  private func next() async throws(StoreError) -> [UInt8]? {
    if state.withLock({ $0.isDone }) { return nil }
    return try await reader.read { [self] session throws(StoreError) in try piece(session) }
  }

  /// Writes the next piece, on a thread that reads.
  ///
  /// Rollouts that have changed since they were found are written as they are now.
  private func piece(_ session: any ReadSession) throws(StoreError) -> [UInt8] {
    let rest = state.withLock { $0.places[$0.position...] }
    let (items, done) = try session.rollouts(at: rest, upTo: Self.pieceSize)
    return state.withLock { state in
      state.position += done
      for item in items { state.writer.rollout(item) }
      state.isDone = state.position == state.places.count
      if state.isDone { end(&state) }
      let piece = state.writer.takePiece(isLast: state.isDone, reservingCapacity: Self.pieceSize)
      // Pieces are made when the connection asks for them, so that it has sent most of the former one.
      lease.hold(piece.count + (state.isDone ? 0 : state.places.count * MemoryLayout<Int64>.stride))
      return piece
    }
  }

  private func end(_ state: inout State) {
    state.writer.endArray()
    state.writer.key("limit")
    state.writer.integer(Int64(search.limit))
    state.writer.key("offset")
    state.writer.integer(Int64(search.offset))
    state.writer.key("total")
    state.writer.integer(Int64(state.total))
    state.writer.endObject()
  }
}
