import JSON
import TraceStore
import Transport

/// A query for spans as AGL's client sends it.
///
/// AGL store contract, sections 2 and 5.
struct SpanSearch: Sendable {
  /// What is wrong with a query.
  enum Fault: Error, Hashable {
    /// A value of the wrong type, in FastAPI's words.
    case invalid(type: String, location: [String], message: String, input: JSONValue)
    /// A value of the right type that is not allowed.
    case refused(String)
  }

  var query: SpanQuery
  /// As asked, for the answer.
  var limit: Int
  var offset: Int

  /// The fields of AGL's span, in its order, as the message about a bad one lists them.
  private static let fields = [
    "rollout_id", "attempt_id", "sequence_id", "trace_id", "span_id", "parent_id", "name", "status", "attributes",
    "events", "links", "start_time", "end_time", "context", "parent", "resource",
  ]

  private static let sortKeys: [String: SpanQuery.SortKey] = [
    "rollout_id": .rolloutID, "attempt_id": .attemptID, "sequence_id": .sequence, "trace_id": .traceID,
    "span_id": .spanID, "parent_id": .parentID, "name": .name, "start_time": .startTime, "end_time": .endTime,
    "duration": .duration,
  ]

  /// Reads the JSON body of a search.
  static func parse(body: Span<UInt8>) -> Result<SpanSearch, Fault> {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: body)
    } catch {
      return .failure(
        .invalid(
          type: "json_invalid", location: ["body", String(error.offset)], message: "JSON decode error",
          input: .object([])))
    }
    guard case .object = value else {
      return .failure(
        .invalid(
          type: "model_attributes_type", location: ["body"],
          message: "Input should be a valid dictionary or object to extract fields from", input: value))
    }
    return Result { () throws(Fault) in try make(SearchInput(place: "body", source: .body(value))) }
  }

  /// Reads the parameters of a GET.
  static func parse(query: String?) -> Result<SpanSearch, Fault> {
    Result { () throws(Fault) in
      try make(SearchInput(place: "query", source: .query(PercentEncoding.parameters(query))))
    }
  }

  private static func make(_ input: SearchInput) throws(Fault) -> SpanSearch {
    guard let rolloutID = try input.string("rollout_id") else { throw input.missing("rollout_id") }
    let attempt: SpanQuery.Attempt =
      switch try input.string("attempt_id") {
      case nil: .any
      case "latest": .latest
      case let id?: .id(id)
      }
    var query = SpanQuery(.rollout(rolloutID, attempt: attempt))
    let conditions: [(String, SpanQuery.Condition.Field)] = [
      ("trace_id", .traceID), ("span_id", .spanID), ("parent_id", .parentID), ("name", .name),
    ]
    for (name, field) in conditions {
      if let value = try input.string(name) { query.conditions.append(.init(field, .equals, value)) }
      if let value = try input.string(name + "_contains") { query.conditions.append(.init(field, .contains, value)) }
    }
    query.matchesAny = try input.choice("filter_logic", ["and", "or"]) == "or"
    query.isDescending = try input.choice("sort_order", ["asc", "desc"]) == "desc"
    query.sortKey = try sortKey(input)
    let limit = try input.integer("limit") ?? -1
    let offset = try input.integer("offset") ?? 0
    guard limit == -1 || limit > 0 else { throw .refused("Limit must be greater than 0 or -1 for no limit") }
    guard offset >= 0 else { throw .refused("Offset must be greater than or equal to 0") }
    query.limit = limit == -1 ? nil : limit
    query.offset = offset
    query.wantsDetails = false
    return SpanSearch(query: query, limit: limit, offset: offset)
  }

  /// Without `sort_by` spans come by their sequence; an explicit null means the order of arrival.
  private static func sortKey(_ input: SearchInput) throws(Fault) -> SpanQuery.SortKey {
    if input.isNull("sort_by") { return .arrival }
    guard let name = try input.string("sort_by") else { return .sequence }
    if let key = sortKeys[name] { return key }
    if fields.contains(name) { throw .refused("Spans cannot be sorted by \(name)") }
    throw .refused("Invalid sort_by: \(name), allowed fields are: \(fields.joined(separator: ", "))")
  }
}
