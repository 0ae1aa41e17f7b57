import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

/// The interface of Jaeger's page.
extension JaegerAPI {
  func services() async throws -> HTTPResponse {
    let names = try await serviceNames()
    return JaegerAnswer.data(total: names.count) { writer in writer.strings(names) }
  }

  /// The services as they are shown, in the order of their bytes.
  func serviceNames() async throws(StoreError) -> [String] {
    let list = try await reader.read { session throws(StoreError) in try session.services() }
    var names = Set(list.names.map { ExactText(ServiceNames.shown($0)) })
    if list.hasUnnamed { names.insert(ExactText(ServiceNames.shown(nil))) }
    return names.map(\.text).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// The operations of a service as it is shown.
  ///
  /// - Parameter kind: As it is shown; empty = any.
  func operations(ofService service: String, kind: String?) async throws(StoreError) -> [Operation] {
    let all = try await reader.read { session throws(StoreError) in
      var all: [Operation] = []
      for name in ServiceNames.stored(service) { all += try session.operations(ofService: name) }
      return all
    }
    return all.filter { kind == nil || ($0.kindText ?? "unspecified") == kind }.map { operation in
      Operation(name: SpanName.shown(operation.name), kind: operation.kind)
    }
  }

  func operations(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    guard let service = parameters.text("service") else { throw JaegerFault(400, "parameter 'service' is required") }
    let operations = try await operations(ofService: service, kind: parameters.text("spanKind"))
    return JaegerAnswer.data(total: operations.count) { writer in
      writer.operations(operations, unspecified: "")
    }
  }

  func operations(ofService service: String) async throws -> HTTPResponse {
    let operations = try await operations(ofService: service, kind: nil)
    var names: [String] = []
    // They come in the order of their names.
    for operation in operations where names.last.map(ExactText.init) != ExactText(operation.name) {
      names.append(operation.name)
    }
    return JaegerAnswer.data(total: names.count) { writer in writer.strings(names) }
  }

  func search(_ parameters: JaegerParameters) async throws -> HTTPResponse {
    let isRaw = try parameters.bool("raw")
    let ids = parameters.values("traceID")
    if !ids.isEmpty { return try await traces(ids, isRaw: isRaw, parameters.answers) }
    let search = try JaegerSearch(parameters, now: now(), maximumLimit: options.maximumLimit)
    let found = try await find(search)
    let warning = found.shortfall.map { JaegerFault(504, $0) }
    return JaegerAnswer.harmless(
      try await SpanAnswer.respond(reader, parameters.answers) { _ throws(StoreError) in
        TracePieces(found.traces, isRaw: isRaw, JaegerTraceFormat(warning: warning))
      })
  }

  private func traces(_ ids: [String], isRaw: Bool, _ answers: AnswerAllowance) async throws -> HTTPResponse {
    guard ids.count <= options.mostTraceIDs else {
      throw JaegerFault(400, "more than \(options.mostTraceIDs) trace ids")
    }
    var traces: [TraceID] = []
    var known: Set<TraceID> = []
    for id in ids {
      let id = try TraceID(asked: id)
      if known.insert(id).inserted { traces.append(id) }
    }
    let wanted = traces
    return JaegerAnswer.harmless(
      try await SpanAnswer.respond(reader, answers) { _ throws(StoreError) in
        TracePieces(wanted, isRaw: isRaw, JaegerTraceFormat(namesMissing: true))
      })
  }

  func trace(_ text: String, _ parameters: JaegerParameters) async throws -> HTTPResponse {
    let id = try TraceID(asked: text)
    // Where in time to look for the trace; here it is found by its id.
    _ = try parameters.time("start", unit: 1_000)
    _ = try parameters.time("end", unit: 1_000)
    let isRaw = try parameters.bool("raw")
    let missing = JaegerFault(404, "trace not found", traceID: id.jaegerText)
    return try await single(id, isRaw: isRaw, JaegerTraceFormat(), parameters.answers, missing: missing)
  }

  /// Answers with one trace, or says that it is not there.
  func single<Format: TraceFormat>(
    _ id: TraceID, isRaw: Bool, _ format: Format, _ answers: AnswerAllowance, missing: JaegerFault
  ) async throws -> HTTPResponse {
    do throws(StoreError) {
      return JaegerAnswer.harmless(
        try await SpanAnswer.respond(reader, answers) { session throws(StoreError) in
          var pieces = TracePieces([id], isRaw: isRaw, format)
          guard try pieces.findFirst(session) else { throw StoreError(.refused, "not found") }
          return pieces
        })
    } catch {
      throw error.code == .refused ? missing : error
    }
  }
}

extension Operation {
  /// The kind as Jaeger writes it; `nil` for none.
  var kindText: String? { SpanKindName.text(kind)?.description }
}

extension JSONWriter {
  /// Writes operations as an array of objects.
  ///
  /// - Parameter unspecified: What stands for spans of no kind.
  mutating func operations(_ operations: [Operation], unspecified: String) {
    beginArray()
    for operation in operations {
      beginObject()
      key("name")
      string(operation.name)
      key("spanKind")
      string(operation.kindText ?? unspecified)
      endObject()
    }
    endArray()
  }
}
