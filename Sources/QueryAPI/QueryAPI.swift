import APISupport
import JSON
import Telemetry
package import TraceStore
package import Transport

/// The native REST interface: reads what is stored, and takes facts about where spans belong.
///
/// Beside it stands Jaeger's. `docs/openapi.yaml` describes both.
package final class QueryAPI: Sendable {
  /// The size of pages and requests.
  package struct Options: Sendable {
    package var defaultLimit = 1_000
    package var maximumLimit = 10_000
    /// The largest body of a request, in bytes: the most traces of a claim fit in, with room to spare.
    package var requestBytes = 1 << 20

    package init() {}
  }

  let reader: any SpanReader
  let attribution: any AttributionStore
  let pins: any PinStore
  let refusals: RefusalLog
  let options: Options
  /// What bodies may hold in memory.
  let budget: InFlightBudget
  /// Nanoseconds since 1970.
  let now: @Sendable () -> Int64
  /// Returns when the time is over, or when its task is cancelled.
  let sleep: @Sendable (Duration) async -> Void
  private let jaeger: JaegerAPI
  private let crossOrigin = CrossOriginPolicy(origins: [])

  package init(
    reader: any SpanReader, attribution: any AttributionStore, pins: any PinStore, refusals: RefusalLog,
    options: Options, budget: InFlightBudget, now: @escaping @Sendable () -> Int64,
    sleep: @escaping @Sendable (Duration) async -> Void
  ) {
    self.reader = reader
    self.attribution = attribution
    self.pins = pins
    self.refusals = refusals
    self.options = options
    self.budget = budget
    self.now = now
    self.sleep = sleep
    var jaegerOptions = JaegerAPI.Options()
    jaegerOptions.maximumLimit = options.maximumLimit
    jaeger = JaegerAPI(reader: reader, options: jaegerOptions, budget: budget, now: now)
  }

  /// Whether a page of another origin asks for a change; this interface is open to none.
  package func isForeignWrite(_ request: HTTPRequest) -> Bool {
    guard request.path.hasPrefix(NativeRoute.prefix), request.method != .get, request.method != .head else {
      return false
    }
    return crossOrigin.isForeign(request)
  }

  /// What such a page is answered with.
  package static var foreignOrigin: HTTPResponse {
    JSONAnswer.error(403, "pages of other origins may not change the store")
  }

  /// Answers a request.
  ///
  /// - Returns: `nil` for a path that is not of this interface.
  package func respond(to request: HTTPRequest) async -> HTTPResponse? {
    guard let route = NativeRoute(request.path) else { return await jaeger.respond(to: request) }
    guard route.methods.contains(request.method) else { return Self.notAllowed(route) }
    do {
      switch route {
      case .spansOfRollout, .unassignedSpans, .trace: return try await respond(to: request, route)
      default:
        let isRead = request.method == .get || request.method == .head
        let answer = try await request.answers.count(isRefusable: isRead && route != .retags) {
          try await respond(to: request, route)
        }
        guard let answer else { throw StoreError.unreadAnswers }
        return answer
      }
    } catch let fault as QueryFault {
      return JSONAnswer.error(fault.status, fault.message)
    } catch let failure as BodyFailure {
      return JSONAnswer.error(failure)
    } catch let error as StoreError {
      return JSONAnswer.error(error)
    } catch {
      return JSONAnswer.error(500, "\(error)")
    }
  }

  private static func notAllowed(_ route: NativeRoute) -> HTTPResponse {
    // Who may read with GET may ask for the head alone.
    let names = route.methods.filter { $0 != .head }.map(\.rawValue).joined(separator: ", ")
    var response = JSONAnswer.error(405, "method not allowed, supported: \(names)")
    response.headers.append("allow", route.methods.map(\.rawValue).joined(separator: ", "))
    return response
  }

  private func respond(to request: HTTPRequest, _ route: NativeRoute) async throws -> HTTPResponse {
    switch route {
    case .rollouts: try await rollouts(request)
    case .refused: RefusalAnswer.render(refusals.newest)
    case .spansOfRollout(let id): try await spans(ofRollout: id, request)
    case .diagnosis(let id): try await diagnosis(id, request)
    case .pin(let id): try await pin(id, request)
    case .unassignedSpans:
      try await spans(.unassigned, try QueryParameters(request, allowed: Self.pageParameters), request.answers)
    case .trace(let text):
      try await spans(
        .trace(try TraceID(queried: text, "trace")), try QueryParameters(request, allowed: Self.pageParameters),
        request.answers)
    case .attribution(let trace, let span): try await explain(trace, span, request)
    case .unassigned: try await unassigned(request)
    case .claim: try await claim(request)
    case .bindings: request.method == .post ? try await bind(request) : try await bindings(request)
    case .binding(let id): try await unbind(id, request)
    case .sessions: request.method == .post ? try await register(request) : try await sessions(request)
    case .session(let id): try await unregister(id, request)
    case .retags: try await retags(request)
    }
  }

  private static let pageParameters: Set<String> = ["name", "since", "limit", "cursor"]

  private func spans(ofRollout id: String, _ request: HTTPRequest) async throws -> HTTPResponse {
    let parameters = try QueryParameters(request, allowed: Self.pageParameters.union(["attempt"]))
    let attempt: SpanQuery.Attempt =
      switch parameters.text("attempt") {
      case nil: .any
      case "latest": .latest
      case let id?: .id(id)
      }
    return try await spans(.rollout(id, attempt: attempt), parameters, request.answers)
  }

  /// A page of spans in the order of their arrival.
  private func spans(
    _ place: SpanQuery.Place, _ parameters: QueryParameters, _ answers: AnswerAllowance
  ) async throws -> HTTPResponse {
    var query = SpanQuery(place)
    if let name = parameters.text("name") { query.conditions = [SpanQuery.Condition(.name, .equals, name)] }
    let after = max(try parameters.number("since") ?? 0, try parameters.number("cursor") ?? 0)
    query.after = after
    let limit = try limit(parameters)
    query.limit = limit
    query.wantsDetails = false
    // A filter that nothing meets is an empty answer; a trace that is not there is none.
    let isTrace = if case .trace = place { query.conditions.isEmpty && query.after == 0 } else { false }
    do throws(StoreError) {
      return try await SpanAnswer.respond(reader, query, answers) { selection throws(StoreError) in
        if isTrace && selection.total == 0 { throw StoreError(.refused, "not found") }
        let isLast = selection.total <= limit
        let last = selection.rows.last?.arrival ?? after
        return TraceRenderer(nextCursor: isLast ? nil : String(last), lastArrival: last)
      }
    } catch {
      guard isTrace && error.code == .refused else { throw error }
      throw QueryFault(status: 404, message: "no spans of this trace are stored")
    }
  }

  private func rollouts(_ request: HTTPRequest) async throws -> HTTPResponse {
    let parameters = try QueryParameters(request, allowed: ["limit", "cursor"])
    let after = try parameters.number("cursor") ?? 0
    let limit = try limit(parameters)
    let summaries = try await reader.read { session throws(StoreError) in
      try session.rollouts(after: after, limit: limit, mostAttempts: RolloutAnswer.mostAttempts)
    }
    return RolloutAnswer.render(summaries, isFull: summaries.count == limit)
  }

  /// The size of a page.
  func limit(_ parameters: QueryParameters) throws(QueryFault) -> Int {
    try parameters.limit(default: options.defaultLimit, maximum: options.maximumLimit)
  }
}
