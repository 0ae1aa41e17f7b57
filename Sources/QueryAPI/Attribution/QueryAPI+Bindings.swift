import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

extension QueryAPI {
  func bind(_ request: HTTPRequest) async throws -> HTTPResponse {
    let members = try await members(request, allowed: ["trace_id", "span_id", "rollout_id", "attempt_id"])
    let binding = NewBinding(
      traceID: try members.traceID("trace_id"), spanID: try members.optionalSpanID("span_id"),
      rolloutID: try members.text("rollout_id"), attemptID: try members.optionalText("attempt_id"))
    let bound = try await write { () throws(StoreError) in try await attribution.bind(binding) }
    return JSONAnswer.make(bound.isNew ? 201 : 200) { $0.binding(bound.binding) }
  }

  func bindings(_ request: HTTPRequest) async throws -> HTTPResponse {
    let parameters = try QueryParameters(request, allowed: ["trace", "limit", "cursor"])
    let trace = try parameters.text("trace").map { text throws(QueryFault) in try TraceID(queried: text, "trace") }
    let after = try parameters.number("cursor") ?? 0
    let limit = try limit(parameters)
    let bindings = try await reader.read { session throws(StoreError) in
      try session.bindings(of: trace, after: after, limit: limit)
    }
    return JSONAnswer.page("bindings", bindings, limit: limit, cursor: \.id) { $0.binding($1) }
  }

  func unbind(_ id: String, _ request: HTTPRequest) async throws -> HTTPResponse {
    let number = try registration(id, "binding", request)
    guard try await write({ () throws(StoreError) in try await attribution.unbind(number) }) else {
      throw QueryFault.unknown("binding", id)
    }
    return Self.deleted
  }

  func register(_ request: HTTPRequest) async throws -> HTTPResponse {
    let members = try await members(request, allowed: ["session", "rollout_id", "attempt_id", "from", "to"])
    let session = NewSession(
      session: try members.text("session"), rolloutID: try members.text("rollout_id"),
      attemptID: try members.optionalText("attempt_id"), from: try members.time("from"),
      to: try members.optionalTime("to"))
    if let to = session.to, to <= session.from { throw QueryFault.emptyWindow }
    let registered = try await write { () throws(StoreError) in try await attribution.register(session) }
    return JSONAnswer.make(registered.isNew ? 201 : 200) { $0.session(registered.registration) }
  }

  func sessions(_ request: HTTPRequest) async throws -> HTTPResponse {
    let parameters = try QueryParameters(request, allowed: ["session", "limit", "cursor"])
    let session = parameters.text("session")
    let after = try parameters.number("cursor") ?? 0
    let limit = try limit(parameters)
    let sessions = try await reader.read { reading throws(StoreError) in
      try reading.sessions(session, after: after, limit: limit)
    }
    return JSONAnswer.page("sessions", sessions, limit: limit, cursor: \.id) { $0.session($1) }
  }

  func unregister(_ id: String, _ request: HTTPRequest) async throws -> HTTPResponse {
    let number = try registration(id, "session", request)
    guard try await write({ () throws(StoreError) in try await attribution.unregister(session: number) }) else {
      throw QueryFault.unknown("session", id)
    }
    return Self.deleted
  }
}

extension QueryFault {
  static var emptyWindow: QueryFault { QueryFault(status: 400, message: "to must be later than from") }
}
