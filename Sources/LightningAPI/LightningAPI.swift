import APISupport
import JSON
import Telemetry
package import TraceStore
package import Transport

/// The store interface of Agent Lightning 0.3.
///
/// Its own client validates what it reads, so that shapes, key order and error texts are those of AGL's server. Where
/// that server answers 500 to what is the client's mistake, this one answers 404 or 400, which the client does not
/// repeat.
package final class LightningAPI: Sendable {
  /// What a user sets.
  package struct Options: Sendable {
    /// The largest body of a request, in bytes.
    package var requestBytes = 64 << 20
    /// Which pages of other origins may use the interface; `*` = all of them.
    package var corsOrigins: [String] = []

    package init() {}
  }

  let reader: any SpanReader
  let rollouts: any RolloutStore
  let options: Options
  /// What bodies may hold in memory.
  let budget: InFlightBudget
  /// Hears of every span that was stored, or known before.
  let didAddSpan: @Sendable (_ isNew: Bool) -> Void
  /// Returns when the time is over, or when its task is cancelled.
  let sleep: @Sendable (Duration) async -> Void
  private let started: ContinuousClock.Instant
  private let crossOrigin: CrossOriginPolicy

  package init(
    reader: any SpanReader, rollouts: any RolloutStore, options: Options = Options(), budget: InFlightBudget? = nil,
    didAddSpan: @escaping @Sendable (_ isNew: Bool) -> Void = { _ in },
    sleep: @escaping @Sendable (Duration) async -> Void
  ) {
    self.reader = reader
    self.rollouts = rollouts
    self.options = options
    self.budget = budget ?? InFlightBudget(limit: 256 << 20, largestRequest: options.requestBytes)
    self.didAddSpan = didAddSpan
    self.sleep = sleep
    crossOrigin = CrossOriginPolicy(origins: options.corsOrigins)
    started = .now
  }

  /// Whether a request is for this interface.
  package func serves(_ request: HTTPRequest) -> Bool { request.path.hasPrefix(LightningRoute.prefix) }

  /// Answers a browser that asks whether a page of another origin may send a request.
  ///
  /// It carries no token yet, so it is answered before tokens are asked for.
  ///
  /// - Returns: `nil` for any other request.
  package func preflight(_ request: HTTPRequest) -> HTTPResponse? {
    serves(request) ? crossOrigin.preflight(request) : nil
  }

  /// Adds to an answer what a browser must see before it shows the answer to a page of another origin.
  ///
  /// - Parameter response: An answer to a request for this interface, also one of another part of the program.
  package func share(_ response: HTTPResponse, with request: HTTPRequest) -> HTTPResponse {
    crossOrigin.share(response, with: request)
  }

  /// Whether a page that may not use the interface asks for a change.
  package func isForeignWrite(_ request: HTTPRequest) -> Bool {
    serves(request) && request.method == .post && crossOrigin.isForeign(request)
  }

  /// What such a page is answered with.
  package static var foreignOrigin: HTTPResponse {
    LightningAnswer.detail(403, "Pages of this origin may not use the store: see agl.cors_origins")
  }

  /// What a request without the token is answered with.
  package static var unauthenticated: HTTPResponse {
    var response = LightningAnswer.detail(401, "a bearer token is needed")
    response.headers.append("www-authenticate", "Bearer")
    return response
  }

  /// What a path below `/v1/` is answered with that nobody serves.
  package static var notFound: HTTPResponse { LightningAnswer.detail(404, "Not Found") }

  /// Answers a request.
  ///
  /// - Returns: `nil` for a path that is not of this interface.
  package func respond(to request: HTTPRequest) async -> HTTPResponse? {
    guard serves(request) else { return nil }
    switch LightningRoute(request.method, request.path) {
    case .notFound: return Self.notFound
    case .notAllowed(let methods): return LightningAnswer.notAllowed(methods)
    case .operation(let operation):
      return isLarge(request) ? await answerElsewhere(request, operation) : await answer(request, operation)
    }
  }

  /// From here on reading a body can take so long that other connections should not wait for it: usually some twenty
  /// milliseconds for a megabyte, and much more for one that was made to take long.
  private static let largeBody = 64 << 10

  private func isLarge(_ request: HTTPRequest) -> Bool {
    request.method == .post && request.body.declaredLength ?? .max > Self.largeBody
  }

  /// Answers on a thread of the runtime, and not on the loop of the connection.
  private func answerElsewhere(_ request: HTTPRequest, _ operation: LightningOperation) async -> HTTPResponse {
    let task = Task.detached { await self.answer(request, operation) }
    return await withTaskCancellationHandler {
      await task.value
    } onCancel: {
      task.cancel()
    }
  }

  private func answer(_ request: HTTPRequest, _ operation: LightningOperation) async -> HTTPResponse {
    do throws(RequestFailure) {
      if operation.isAnsweredInPieces { return try await respond(to: request, operation) }
      let isRead = request.method == .get
      let answer = try await request.answers.count(isRefusable: isRead) { () throws(RequestFailure) in
        try await respond(to: request, operation)
      }
      guard let answer else { throw .store(.unreadAnswers) }
      return answer
    } catch {
      return LightningAnswer.failure(error)
    }
  }

  private func respond(to request: HTTPRequest, _ operation: LightningOperation) async throws(RequestFailure)
    -> HTTPResponse
  {
    switch operation {
    case .health: LightningAnswer.health
    case .statistics: try await statistics()
    case .enqueue: try await enqueue(request)
    case .dequeue: try await dequeue(request)
    case .startRollout: try await startRollout(request)
    case .listRollouts, .searchRollouts: try await searchRollouts(request)
    case .rollout(let id): try await rollout(id)
    case .updateRollout(let id): try await updateRollout(id, request)
    case .startAttempt(let rollout): try await startAttempt(rollout, request)
    case .listAttempts(let rollout), .searchAttempts(let rollout): try await searchAttempts(rollout, request)
    case .latestAttempt(let rollout): try await latestAttempt(rollout)
    case .updateAttempt(let id, let rollout): try await updateAttempt(id, rollout, request)
    case .listWorkers, .searchWorkers: try await searchWorkers(request)
    case .worker(let id): try await worker(id)
    case .updateWorker(let id): try await updateWorker(id, request)
    case .listResources: try await searchResources(request)
    case .addResources: try await storeResources(nil, request)
    case .latestResources: try await resources(nil)
    case .resources(let id): try await resources(id)
    case .updateResources(let id): try await storeResources(id, request)
    case .addSpan: try await addSpan(request)
    case .listSpans, .searchSpans: try await searchSpans(request)
    case .nextSpan: try await nextSpan(request)
    case .wait: try await wait(request)
    }
  }

  private func statistics() async throws(RequestFailure) -> HTTPResponse {
    let totals = try await read { session throws(StoreError) in try session.totals() }
    return LightningAnswer.statistics(totals, uptime: started.duration(to: .now) / .seconds(1))
  }
}
