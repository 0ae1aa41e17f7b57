import Threads

@testable import Transport

/// Starts a server on a free port of both loopback addresses, and shuts it down after `body`.
func withServer(
  loops: Int = 1, _ configure: (inout HTTPServerConfiguration) -> Void = { _ in },
  handler: @escaping HTTPHandler = echo,
  _ body: (HTTPServer, SocketAddress) async throws -> Void
) async throws {
  var configuration = HTTPServerConfiguration()
  configuration.lingerTimeout = .milliseconds(200)
  configure(&configuration)
  let group = try EventLoopGroup(count: loops)
  let server = HTTPServer(group: group, configuration: configuration)
  let failure: (any Error)?
  do {
    let addresses = try await server.listen(host: "localhost", port: 0, handler: handler)
    try await body(server, addresses[0])
    failure = nil
  } catch {
    failure = error
  }
  await server.shutdown(deadline: .milliseconds(100))
  await group.shutdown()
  if let failure { throw failure }
}

/// Answers with the method, the path and the body of the request.
@Sendable func echo(_ request: HTTPRequest) async -> HTTPResponse {
  do throws(BodyError) {
    let body = try await request.body.collect(upTo: 1 << 20)
    let line = Array("\(request.method) \(request.path) ".utf8)
    return HTTPResponse(status: 200, body: .bytes(line + body))
  } catch {
    return HTTPResponse(status: error.status)
  }
}

extension BodyError {
  /// The status that says what was wrong.
  var status: Int {
    switch self {
    case .tooLarge: 413
    case .timedOut: 408
    case .shuttingDown: 503
    case .disconnected, .malformed: 400
    }
  }
}

/// Something that one side of a test waits for and the other side sets.
final class Signal: Sendable {
  private struct State {
    var isSet = false
    var waiters: [CheckedContinuation<Void, Never>] = []
  }

  private let state = Locked(State())

  func set() {
    let waiters = state.withLock { state in
      defer { state.waiters = [] }
      state.isSet = true
      return state.waiters
    }
    for waiter in waiters { waiter.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isSet = state.withLock { state in
        if !state.isSet { state.waiters.append(continuation) }
        return state.isSet
      }
      if isSet { continuation.resume() }
    }
  }
}
