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
    try await respond(SpanStream(reader, query, renderer: renderer))
  }

  /// Renders something else that the store has, likewise.
  ///
  /// - Parameter start: Finds out what there is to render, on the thread that reads; what it throws is thrown here.
  package static func respond<Pieces: AnswerPieces>(
    _ reader: any SpanReader, start: @escaping @Sendable (any ReadSession) throws(StoreError) -> Pieces
  ) async throws(StoreError) -> HTTPResponse {
    try await respond(SpanStream(reader, start: start))
  }

  private static func respond<Pieces>(_ stream: SpanStream<Pieces>) async throws(StoreError) -> HTTPResponse {
    let whole = try await stream.wholeAnswer()
    return HTTPResponse(
      status: 200, headers: ["content-type": "application/json"],
      body: whole.map { .bytes($0) } ?? .stream { try await stream.next() })
  }
}
