import APISupport
import JSON
import OTLP
import Telemetry
import TraceStore
import Transport

/// Jaeger's query interface over the store, for Jaeger's own page and for Grafana's data source.
///
/// There are two: the one of the page, under `/api`, and one that is shaped after OTLP, under `/api/v3`. `docs/jaeger.md` says
/// what is answered differently from Jaeger.
final class JaegerAPI: Sendable {
  /// The size of requests and answers.
  struct Options: Sendable {
    /// Traces that a search can ask for.
    var maximumLimit = 10_000
    /// Traces that can be asked for by their ids at once.
    var mostTraceIDs = 1_000
    /// The largest body that is transformed, in bytes; it is done on the loop of the connection.
    var transformBytes = 4 << 20
    /// Bytes of spans that a search looks through.
    var searchBytes = 8 << 30
    var searchTime = Duration.seconds(30)
  }

  let reader: any SpanReader
  let options: Options
  let budget: InFlightBudget
  /// Nanoseconds since 1970.
  let now: @Sendable () -> Int64

  init(
    reader: any SpanReader, options: Options, budget: InFlightBudget, now: @escaping @Sendable () -> Int64
  ) {
    self.reader = reader
    self.options = options
    self.budget = budget
    self.now = now
  }

  /// Answers a request.
  ///
  /// - Returns: `nil` for a path that is not of this interface.
  func respond(to request: HTTPRequest) async -> HTTPResponse? {
    guard let route = JaegerRoute(request.path) else { return nil }
    let parameters = JaegerParameters(request)
    var response = await respond(to: request, route, parameters)
    if (try? parameters.bool("prettyPrint")) == true { response = JaegerAnswer.indented(response) }
    return response
  }

  private func respond(to request: HTTPRequest, _ route: JaegerRoute, _ parameters: JaegerParameters) async
    -> HTTPResponse
  {
    do {
      guard route.methods.contains(request.method) else {
        let names = route.methods.map(\.rawValue).joined(separator: ", ")
        var response = JaegerAnswer.fault(
          JaegerFault(405, "method not allowed, supported: \(names)"), isNew: route.isNew)
        response.headers.append("allow", names)
        return response
      }
      _ = try parameters.bool("prettyPrint")
      return try await answer(request, route, parameters)
    } catch let fault as JaegerFault {
      return JaegerAnswer.fault(fault, isNew: route.isNew)
    } catch let failure as BodyFailure {
      return JSONAnswer.error(failure)
    } catch let error as StoreError {
      return JaegerAnswer.failure(error, isNew: route.isNew)
    } catch {
      return JaegerAnswer.fault(JaegerFault(500, "\(error)"), isNew: route.isNew)
    }
  }

  private func answer(_ request: HTTPRequest, _ route: JaegerRoute, _ parameters: JaegerParameters) async throws
    -> HTTPResponse
  {
    switch route {
    case .services: try await services()
    case .operations: try await operations(parameters)
    case .operationsOfService(let name): try await operations(ofService: name)
    case .search: try await search(parameters)
    case .trace(let id): try await trace(id, parameters)
    case .dependencies: try await dependencies(parameters)
    case .transform: try await transform(request)
    case .archive:
      throw JaegerFault(501, "there is no archive: traces stay in this store for as long as its retention keeps them")
    case .metrics: throw JaegerFault(501, "metrics querying is not supported: spans are stored, and no metrics of them")
    case .newServices: try await newServices()
    case .newOperations: try await newOperations(parameters)
    case .newSearch: try await newSearch(parameters)
    case .newTrace(let id): try await newTrace(id, parameters)
    case .newSummaries: try await summaries(parameters)
    case .newDependencies: try await newDependencies(parameters)
    }
  }

  /// Finds what a search asks for.
  ///
  /// - Throws: When the search ended early and has found nothing: that is no answer.
  func find(_ search: JaegerSearch) async throws -> FoundTraces {
    let finding = TraceFinding(reader: reader, mostBytes: options.searchBytes, longest: options.searchTime)
    let found = try await finding.find(search)
    if found.traces.isEmpty, let shortfall = found.shortfall { throw JaegerFault(504, shortfall) }
    return found
  }
}
