import APISupport
package import Credentials
import JSON
import Telemetry
import Threads
package import TraceStore
package import Transport

/// The sessions of [AReaL](https://github.com/inclusionAI/AReaL)'s proxy: an episode of an agent gets a key, is rewarded,
/// and its calls are taken away for training.
///
/// A session is a rollout and an attempt of the store. Shapes and status codes are those of AReaL's first version, with
/// the members that its second version adds.
package struct SessionAPI: Sendable {
  let keys: SessionKeys
  let rollouts: any RolloutStore
  let reader: any SpanReader
  /// Tells whether a request shows the key of an administrator; `nil` when there is no such key.
  let isAdmin: (@Sendable (HTTPRequest) -> Bool)?
  /// Whether anyone may call, which a session key is for where only some may.
  private let isOpen: @Sendable () -> Bool
  /// Waits until what was recorded so far can be read.
  let flush: @Sendable () async -> Void
  /// Returns when the time is over, or when its task is cancelled.
  let sleep: @Sendable (Duration) async -> Void
  /// What bodies may hold in memory.
  let budget: InFlightBudget
  /// Keys that go on to another session at the moment.
  let refreshing = Locked<Set<SessionKeyHash>>([])
  private let crossOrigin = CrossOriginPolicy(origins: [])

  var settings: SessionSettings { keys.settings }

  /// - Parameters:
  ///   - isAdmin: `nil` = no administrator's key is configured: then whoever is on this machine may do all, while anyone
  ///     may call.
  ///   - isOpen: Whether anyone may call.
  package init(
    keys: SessionKeys, rollouts: any RolloutStore, reader: any SpanReader,
    isAdmin: (@Sendable (HTTPRequest) -> Bool)?, isOpen: @escaping @Sendable () -> Bool = { true },
    budget: InFlightBudget,
    flush: @escaping @Sendable () async -> Void, sleep: @escaping @Sendable (Duration) async -> Void
  ) {
    self.keys = keys
    self.rollouts = rollouts
    self.reader = reader
    self.isAdmin = isAdmin
    self.isOpen = isOpen
    self.budget = budget
    self.flush = flush
    self.sleep = sleep
  }

  /// Answers a request.
  ///
  /// - Returns: `nil` for a path that is not of this interface.
  package func respond(to request: HTTPRequest) async -> HTTPResponse? {
    guard let route = SessionRoute(request.path) else { return nil }
    guard route.methods.contains(request.method) else {
      var response = SessionFailure(405, "Method Not Allowed").response
      response.headers.append("allow", route.methods.map(\.rawValue).joined(separator: ", "))
      return response
    }
    do throws(SessionFailure) {
      return try await respond(to: request, route)
    } catch {
      return error.response
    }
  }

  private func respond(to request: HTTPRequest, _ route: SessionRoute) async throws(SessionFailure) -> HTTPResponse {
    switch route {
    case .start: try await start(request)
    case .end: try await end(request)
    case .reward: try await setReward(request)
    case .export: try await export(request)
    case .health: health
    }
  }

  private var health: HTTPResponse {
    JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("status")
      writer.string("ok")
      writer.key("sessions")
      writer.integer(Int64(keys.store.sessionKeys.openCount))
      writer.endObject()
    }
  }

  /// Tells administrators by their tokens, which they show where agents show their keys.
  ///
  /// - Returns: `nil` when there is no token.
  package static func administrators(_ tokens: TokenSet) -> (@Sendable (HTTPRequest) -> Bool)? {
    guard !tokens.isEmpty else { return nil }
    return { request in ShownKeys(inHeadersOf: request).accepted(by: tokens) != nil }
  }

  // MARK: Requests

  /// Refuses whoever is no administrator.
  func requireAdmin(_ request: HTTPRequest) throws(SessionFailure) {
    if crossOrigin.isForeign(request) { throw SessionFailure(403, "pages of other origins may not use sessions") }
    guard let isAdmin else {
      guard request.peer.isLoopback, isOpen() else { throw SessionFailure(403, "no admin API key is configured") }
      return
    }
    guard !ShownKeys(inHeadersOf: request).all.isEmpty else { throw SessionFailure(401, Self.missingKey) }
    guard isAdmin(request) else { throw SessionFailure(403, "Invalid admin API key.") }
  }

  /// The session of the key that a request shows.
  ///
  /// - Parameter acceptsFinished: Whether it may have been ended by its agent.
  func session(of request: HTTPRequest, acceptsFinished: Bool = false) throws(SessionFailure) -> ActiveSession {
    guard let key = ShownKeys(inHeadersOf: request).main else { throw SessionFailure(401, Self.missingKey) }
    switch keys.find(key) {
    case .active(let active): return active
    case .ended(let session) where acceptsFinished && session.ending == .finished:
      return ActiveSession(session: session)
    case .ended, .expired: throw SessionFailure(410, "Session already ended or expired")
    case .unknown: throw SessionFailure(401, "Invalid or expired session API key.")
    }
  }

  private static let missingKey =
    "Missing or malformed Authorization header. Expected 'Bearer <token>' or 'x-api-key: <token>'."

  /// Waits for the body of a request and reads its members.
  func members(_ request: HTTPRequest) async throws(SessionFailure) -> SessionRequestMembers {
    guard BodyReceiver.isJSON(request.headers.first("content-type")) else {
      throw SessionFailure(415, "unsupported content type, supported: application/json")
    }
    let received: ReceivedBytes
    do throws(BodyFailure) {
      received = try await BodyReceiver.receive(request, upTo: settings.requestBytes, budget)
    } catch {
      throw SessionFailure(error)
    }
    return try SessionRequestMembers(received.bytes)
  }

  /// Changes sessions.
  func change<Value>(_ body: () async throws(SessionKeyFault) -> Value) async throws(SessionFailure) -> Value {
    do throws(SessionKeyFault) { return try await body() } catch { throw SessionFailure(error) }
  }
}

extension SessionFailure {
  init(_ failure: BodyFailure) {
    switch failure {
    case .overloaded: self.init(503, "too many bytes of requests are in memory", retryAfter: 1)
    case .unreadable(let error):
      switch error {
      case .tooLarge(let limit): self.init(413, "the body of the request is larger than \(limit) bytes")
      case .timedOut: self.init(408, "the body of the request did not arrive in time")
      case .shuttingDown: self.init(503, "the server is shutting down", retryAfter: 1)
      case .disconnected, .malformed: self.init(400, "the body of the request is incomplete")
      }
    }
  }
}
