import APISupport
import JSON
import Telemetry
import TraceStore
import Transport

extension QueryAPI {
  /// Traces with unassigned spans, or the sessions that such spans name.
  func unassigned(_ request: HTTPRequest) async throws -> HTTPResponse {
    let parameters = try QueryParameters(request, allowed: ["by", "from", "to", "limit", "cursor"])
    let window = try Self.window(parameters)
    let after = try parameters.number("cursor") ?? 0
    let limit = try limit(parameters)
    switch parameters.text("by") ?? "trace" {
    case "trace":
      let page = try await reader.read { session throws(StoreError) in
        try session.unassignedTraces(after: after, limit: limit, window: window)
      }
      return JSONAnswer.page("traces", page.traces, next: page.next) { $0.unassigned($1) }
    case "session": return try await unassignedSessions(after: after, limit: limit, window)
    default: throw QueryFault(status: 400, message: "by must be trace or session")
    }
  }

  private func unassignedSessions(after: Int64, limit: Int, _ window: Range<UInt64>?) async throws -> HTTPResponse {
    let (page, rest) = try await reader.read { session throws(StoreError) in
      // Counted once for the whole list.
      let rest = after == 0 ? try session.unassignedWithoutSession() : nil
      return (try session.unassignedSessions(after: after, limit: limit, window: window), rest)
    }
    return JSONAnswer.page("sessions", page.sessions, next: page.next) {
      $0.unassigned($1)
    } more: { writer in
      if after == 0 { writer.withoutSession(rest) }
    }
  }

  private static func window(_ parameters: QueryParameters) throws(QueryFault) -> Range<UInt64>? {
    let from = try parameters.time("from")
    let to = try parameters.time("to")
    guard from != nil || to != nil else { return nil }
    let (start, end) = (from ?? 0, to ?? UInt64(Int64.max))
    guard start < end else { throw .emptyWindow }
    return start..<end
  }

  /// Assigns unassigned spans that are there now.
  func claim(_ request: HTTPRequest) async throws -> HTTPResponse {
    let members = try await members(
      request, allowed: ["trace_ids", "session", "from", "to", "rollout_id", "attempt_id"])
    let claim = UnassignedClaim(
      try Self.claimedSpans(members), rolloutID: try members.text("rollout_id"),
      attemptID: try members.optionalText("attempt_id"))
    let result = try await write { () throws(StoreError) in try await attribution.claim(claim) }
    return JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("bindings")
      writer.beginArray()
      for binding in result.bindings { writer.binding(binding) }
      writer.endArray()
      writer.key("hasMore")
      writer.bool(result.hasMore)
      writer.endObject()
    }
  }

  private static func claimedSpans(_ members: RequestMembers) throws(QueryFault) -> UnassignedClaim.Spans {
    let hasWindow = members.has("from") || members.has("to")
    switch (members.has("trace_ids"), members.has("session"), hasWindow) {
    case (true, false, false): return .traces(try members.traceIDs("trace_ids", atMost: UnassignedClaim.mostTraces))
    case (false, true, false): return .session(try members.text("session"))
    case (false, false, true):
      let (from, to) = (try members.time("from"), try members.time("to"))
      guard from < to else { throw .emptyWindow }
      return .window(from: from, to: to)
    default:
      throw QueryFault(status: 400, message: "give one of: trace_ids, session, from and to")
    }
  }

  /// Says why a span is where it is.
  func explain(_ trace: String, _ span: String, _ request: HTTPRequest) async throws -> HTTPResponse {
    _ = try QueryParameters(request, allowed: [])
    let traceID = try TraceID(queried: trace, "trace")
    let spanID = try SpanID(queried: span, "span")
    let reports = try await reader.read { session throws(StoreError) in try session.attribution(of: traceID, spanID) }
    guard !reports.isEmpty else { throw QueryFault(status: 404, message: "no span of these ids is stored") }
    return JSONAnswer.make { writer in
      writer.beginObject()
      writer.key("spans")
      writer.beginArray()
      for report in reports { writer.report(report) }
      writer.endArray()
      writer.endObject()
    }
  }
}
