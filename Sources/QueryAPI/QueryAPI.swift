import APISupport
import JSON
import Telemetry
package import TraceStore
package import Transport

/// The native REST interface for reading.
///
/// `docs/openapi.yaml` describes it.
package final class QueryAPI: Sendable {
  /// The size of pages.
  package struct Options: Sendable {
    package var defaultLimit = 1_000
    package var maximumLimit = 10_000

    package init() {}
  }

  private let reader: any SpanReader
  private let refusals: RefusalLog
  private let options: Options

  package init(reader: any SpanReader, refusals: RefusalLog, options: Options) {
    self.reader = reader
    self.refusals = refusals
    self.options = options
  }

  private enum Route {
    case rollouts
    case spansOfRollout(String)
    case trace(String)
    case unassigned
    case refused
  }

  /// Answers a request.
  ///
  /// - Returns: `nil` for a path that is not of this interface.
  package func respond(to request: HTTPRequest) async -> HTTPResponse? {
    guard let route = Self.route(request.path) else { return nil }
    guard request.method == .get || request.method == .head else {
      var response = JSONAnswer.error(405, "method not allowed, supported: GET")
      response.headers.append("allow", "GET, HEAD")
      return response
    }
    do {
      return try await respond(to: request, route)
    } catch let fault as QueryFault {
      return JSONAnswer.error(fault.status, fault.message)
    } catch let error as StoreError {
      return JSONAnswer.error(error)
    } catch {
      return JSONAnswer.error(500, "\(error)")
    }
  }

  private static func route(_ path: String) -> Route? {
    guard path.hasPrefix("/api/v1/") else { return nil }
    let parts = path.dropFirst("/api/v1/".count).split(separator: "/", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("rollouts", 1): return .rollouts
    case ("unassigned", 1): return .unassigned
    case ("refused", 1): return .refused
    case ("rollouts", 3) where parts[2] == "spans": return PercentEncoding.decode(parts[1]).map { .spansOfRollout($0) }
    case ("traces", 2): return PercentEncoding.decode(parts[1]).map { .trace($0) }
    default: return nil
    }
  }

  private func respond(to request: HTTPRequest, _ route: Route) async throws -> HTTPResponse {
    switch route {
    case .rollouts: return try await rollouts(request)
    case .refused: return RefusalAnswer.render(refusals.newest)
    case .spansOfRollout(let id):
      let parameters = try QueryParameters(request, allowed: Self.pageParameters.union(["attempt"]))
      let attempt: SpanQuery.Attempt =
        switch parameters.text("attempt") {
        case nil: .any
        case "latest": .latest
        case let id?: .id(id)
        }
      return try await spans(.rollout(id, attempt: attempt), parameters)
    case .unassigned:
      return try await spans(.unassigned, try QueryParameters(request, allowed: Self.pageParameters))
    case .trace(let hex):
      guard let id = TraceID(hex: hex) else {
        throw QueryFault(status: 400, message: "a trace id is 32 hexadecimal digits, not all zero")
      }
      return try await spans(.trace(id), try QueryParameters(request, allowed: Self.pageParameters))
    }
  }

  private static let pageParameters: Set<String> = ["name", "since", "limit", "cursor"]

  /// A page of spans in the order of their arrival.
  private func spans(_ place: SpanQuery.Place, _ parameters: QueryParameters) async throws -> HTTPResponse {
    var query = SpanQuery(place)
    if let name = parameters.text("name") { query.conditions = [SpanQuery.Condition(.name, .equals, name)] }
    let after = max(try parameters.number("since") ?? 0, try parameters.number("cursor") ?? 0)
    query.after = after
    let limit = try parameters.limit(default: options.defaultLimit, maximum: options.maximumLimit)
    query.limit = limit
    query.wantsDetails = false
    // A filter that nothing meets is an empty answer; a trace that is not there is none.
    let isTrace = if case .trace = place { query.conditions.isEmpty && query.after == 0 } else { false }
    do throws(StoreError) {
      return try await SpanAnswer.respond(reader, query) { selection throws(StoreError) in
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
    let limit = try parameters.limit(default: options.defaultLimit, maximum: options.maximumLimit)
    let summaries = try await reader.read { session throws(StoreError) in
      try session.rollouts(after: after, limit: limit)
    }
    return RolloutAnswer.render(summaries, isFull: summaries.count == limit)
  }
}
