import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

/// The interface that is shaped after OTLP, `/api/v3`.
///
/// [query_service.proto](https://github.com/jaegertracing/jaeger-idl/blob/main/proto/api_v3/query_service.proto)
extension JaegerAPI {
  func newServices() async throws -> HTTPResponse {
    let names = try await serviceNames()
    return JaegerAnswer.object { writer in
      writer.key("services")
      writer.strings(names)
    }
  }

  func newOperations(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    guard let service = parameters.text("service") else { throw JaegerFault(400, "service is required") }
    let kind = parameters.text("spanKind", "span_kind")
    let operations = try await operations(ofService: service, kind: nil)
      .filter { kind == nil || $0.kindText == kind || $0.kind == 0 && kind == "internal" }
    return JaegerAnswer.object { writer in
      writer.key("operations")
      writer.operations(operations, unspecified: "internal")
    }
  }

  private static var noTraces: JaegerFault { JaegerFault(404, "No traces found") }

  func newTrace(_ text: String, _ parameters: JaegerParameters) async throws -> HTTPResponse {
    let id = try TraceID(asked: text)
    _ = try parameters.moment("startTime", "start_time")
    _ = try parameters.moment("endTime", "end_time")
    let isRaw = try parameters.bool("rawTraces", "raw_traces")
    return try await single(id, isRaw: isRaw, OTLPTraceFormat(), parameters.answers, missing: Self.noTraces)
  }

  func newSearch(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    let isRaw = try parameters.bool("query.rawTraces", "query.raw_traces")
    let search = try JaegerSearch(new: parameters, maximumLimit: options.maximumLimit)
    let found = try await find(search)
    guard !found.traces.isEmpty else { throw Self.noTraces }
    return JaegerAnswer.harmless(
      try await SpanAnswer.respond(reader, parameters.answers) { _ throws(StoreError) in
        TracePieces(found.traces, isRaw: isRaw, OTLPTraceFormat(warning: found.shortfall))
      })
  }

  func summaries(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    let search = try JaegerSearch(new: parameters, maximumLimit: options.maximumLimit)
    let found = try await find(search)
    return JaegerAnswer.harmless(
      try await SpanAnswer.respond(reader, parameters.answers) { _ throws(StoreError) in
        SummaryPieces(found.traces, warning: found.shortfall)
      })
  }
}
