/// Where the answer of one request goes.
///
/// Called on the loop's thread.
///
/// Once the connection is lost or the stream reset, calls have no effect.
protocol ResponseSink: AnyObject, Sendable {
  /// Sends the head, and all of the body unless it is a stream.
  ///
  /// - Returns: Whether the pieces of a stream are wanted.
  func start(_ response: HTTPResponse) -> Bool
  /// Sends a piece of a stream, and returns when there is room for the next.
  ///
  /// - Returns: Whether further pieces are wanted.
  func send(_ piece: [UInt8], on isolation: isolated LoopIsolation) async -> Bool
  /// Ends a stream.
  func finish(trailers: HTTPHeaders)
  /// Cuts a stream so that the client notices.
  func abort()
}

/// Has a request answered; the one task that a request costs.
func startAnswering(_ request: HTTPRequest, in context: ConnectionContext, to sink: any ResponseSink)
  -> Task<Void, Never>
{
  let loop = context.loop
  let handler = context.handler
  return Task(executorPreference: loop) {
    await answer(request, with: handler, to: sink, on: loop.isolation)
  }
}

private func answer(
  _ request: HTTPRequest, with handler: HTTPHandler, to sink: any ResponseSink, on isolation: isolated LoopIsolation
) async {
  let response = await handler(request)
  guard sink.start(response), case .stream(let next) = response.body else { return }
  do {
    while let piece = try await next() {
      guard await sink.send(piece, on: isolation) else { return }
    }
    sink.finish(trailers: response.trailers)
  } catch {
    sink.abort()
  }
}
