import APISupport
import JSON
import Telemetry
package import TraceStore
package import Transport

/// The store interface of Agent Lightning 0.3, as far as it reads spans.
///
/// Its own client validates what it reads, so that shapes, key order and error texts are those of AGL's server.
package final class LightningAPI: Sendable {
  private let reader: any SpanReader
  private let started: ContinuousClock.Instant

  package init(reader: any SpanReader) {
    self.reader = reader
    started = .now
  }

  private enum Route {
    case health, statistics, spans, searchSpans
  }

  /// Answers a request.
  ///
  /// - Returns: `nil` for a path that is not of this interface.
  package func respond(to request: HTTPRequest) async -> HTTPResponse? {
    guard request.path.hasPrefix("/v1/agl/") else { return nil }
    guard let (route, method) = Self.route(request.path) else { return LightningAnswer.detail(404, "Not Found") }
    guard request.method == method else {
      var response = LightningAnswer.detail(405, "Method Not Allowed")
      response.headers.append("allow", method.rawValue)
      return response
    }
    do throws(StoreError) {
      return try await respond(to: request, route)
    } catch {
      return LightningAnswer.failure(error)
    }
  }

  private static func route(_ path: String) -> (Route, HTTPMethod)? {
    switch path {
    case "/v1/agl/health": (.health, .get)
    case "/v1/agl/statistics": (.statistics, .get)
    case "/v1/agl/spans": (.spans, .get)
    case "/v1/agl/spans/search": (.searchSpans, .post)
    default: nil
    }
  }

  private func respond(to request: HTTPRequest, _ route: Route) async throws(StoreError) -> HTTPResponse {
    switch route {
    case .health: return LightningAnswer.health
    case .statistics: return try await statistics()
    case .spans: return try await spans(SpanSearch.parse(query: request.query))
    case .searchSpans:
      let body: [UInt8]
      do throws(BodyError) {
        body = try await request.body.collect(upTo: 1 << 20)
      } catch {
        return LightningAnswer.unreadable(error)
      }
      return try await spans(SpanSearch.parse(body: body.span))
    }
  }

  private func statistics() async throws(StoreError) -> HTTPResponse {
    let totals = try await reader.read { session throws(StoreError) in try session.totals() }
    return LightningAnswer.statistics(totals, uptime: started.duration(to: .now) / .seconds(1))
  }

  private func spans(_ search: Result<SpanSearch, SpanSearch.Fault>) async throws(StoreError) -> HTTPResponse {
    switch search {
    case .failure(let fault): return LightningAnswer.fault(fault)
    case .success(let search):
      return try await SpanAnswer.respond(reader, search.query) { selection throws(StoreError) in
        LightningSpanRenderer(search, total: selection.total)
      }
    }
  }
}
