package import TraceStore
package import Transport

/// Makes an HTTP answer of spans.
package enum SpanAnswer {
  /// Selects spans and renders them; an answer of more than one piece is streamed.
  ///
  /// - Parameters:
  ///   - answers: What the answers of the connection may hold; while they hold too much this one waits.
  ///   - renderer: Made from what was selected, on the thread that reads.
  /// - Throws: With the code `overloaded` when too much waits for clients of all connections.
  package static func respond<Renderer: SpanRenderer>(
    _ reader: any SpanReader, _ query: SpanQuery, _ answers: AnswerAllowance,
    renderer: @escaping @Sendable (SpanSelection) throws(StoreError) -> Renderer
  ) async throws(StoreError) -> HTTPResponse {
    guard let lease = await answers.lease() else { throw .unreadAnswers }
    return try await respond(SpanStream(reader, query, lease, renderer: renderer), lease)
  }

  /// Renders something else that the store has, likewise.
  ///
  /// - Parameters:
  ///   - answers: What the answers of the connection may hold.
  ///   - start: Finds out what there is to render, on the thread that reads; what it throws is thrown here.
  package static func respond<Pieces: AnswerPieces>(
    _ reader: any SpanReader, _ answers: AnswerAllowance,
    start: @escaping @Sendable (any ReadSession) throws(StoreError) -> Pieces
  ) async throws(StoreError) -> HTTPResponse {
    guard let lease = await answers.lease() else { throw .unreadAnswers }
    return try await respond(SpanStream(reader, lease, start: start), lease)
  }

  private static func respond<Pieces>(
    _ stream: SpanStream<Pieces>, _ lease: AnswerAllowance.Lease
  ) async throws(StoreError) -> HTTPResponse {
    let whole = try await stream.wholeAnswer()
    var response = HTTPResponse(
      status: 200, headers: ["content-type": "application/json"],
      body: whole.map { .bytes($0) } ?? .stream { try await stream.next() })
    response.lease = lease
    return response
  }
}
