import Threads
package import TraceStore
package import Transport

/// Makes an HTTP answer of spans.
package enum SpanAnswer {
  /// Selects spans and renders them; an answer of more than one piece is streamed.
  ///
  /// - Parameters:
  ///   - renderer: Made from what was selected, on the thread that reads.
  package static func respond<Renderer: SpanRenderer>(
    _ reader: any SpanReader, _ query: SpanQuery,
    renderer: @escaping @Sendable (SpanSelection) throws(StoreError) -> Renderer
  ) async throws(StoreError) -> HTTPResponse {
    let (first, pieces) = try await reader.read { session throws(StoreError) in
      let selection = try session.select(query)
      var pieces = SpanPieces(selection.rows, try renderer(selection))
      return (try pieces.next(session), pieces)
    }
    let headers: HTTPHeaders = ["content-type": "application/json"]
    if pieces.isFinished { return HTTPResponse(status: 200, headers: headers, body: .bytes(first)) }
    let stream = PieceStream(reader, first, pieces)
    return HTTPResponse(status: 200, headers: headers, body: .stream { try await stream.next() })
  }
}

/// The state of an answer that is being streamed.
///
/// The connection asks for one piece at a time.
private final class PieceStream<Renderer: SpanRenderer>: Sendable {
  private struct State {
    var first: [UInt8]?
    var pieces: SpanPieces<Renderer>
  }

  private let reader: any SpanReader
  private let state: Locked<State>

  init(_ reader: any SpanReader, _ first: [UInt8], _ pieces: SpanPieces<Renderer>) {
    self.reader = reader
    state = Locked(State(first: first, pieces: pieces))
  }

  func next() async throws -> [UInt8]? {
    let (first, pieces) = state.withLock { state in (state.first.take(), state.pieces) }
    if let first { return first }
    if pieces.isFinished { return nil }
    let (piece, rest) = try await reader.read { session throws(StoreError) in
      var rest = pieces
      return (try rest.next(session), rest)
    }
    state.withLock { $0.pieces = rest }
    return piece
  }
}
