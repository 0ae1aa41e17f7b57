import JSON
import TraceStore

/// `QuerySpansRequest`.
///
/// AGL store contract, section 5. Spans come by their sequence when no order is asked for.
enum SpanSearch {
  private static let model = QueryModel<SpanQuery.SortKey>(
    plural: "Spans",
    fields: SentSpan.names.map { "\($0)" },
    keys: [
      "rollout_id": .rolloutID, "attempt_id": .attemptID, "sequence_id": .sequence, "trace_id": .traceID,
      "span_id": .spanID, "parent_id": .parentID, "name": .name, "start_time": .startTime, "end_time": .endTime,
      "duration": .duration,
    ], usual: .sequence)

  static func read(_ reader: inout RequestReader) throws(RequestFailure) -> LightningQuery<SpanQuery> {
    guard reader.isObject(JSONDocument.root) else { throw .invalid(reader.faults) }
    let rollout = reader.required(JSONDocument.root, "rollout_id", or: "") { reader, place in reader.string(place) }
    let attempt: SpanQuery.Attempt =
      switch reader.condition("attempt_id") {
      case nil: .any
      case "latest": .latest
      case let id?: .id(id)
      }
    var query = SpanQuery(.rollout(rollout, attempt: attempt))
    query.conditions = conditions(&reader)
    query.matchesAny = reader.matchesAny()
    let page = reader.page()
    try reader.check()
    let checked = try page.page(model)
    query.sortKey = checked.sortKey ?? .arrival
    query.isDescending = checked.isDescending
    query.limit = checked.limit
    query.offset = checked.offset
    query.laterAttemptsFirst = true
    query.wantsDetails = false
    return LightningQuery(query, page)
  }

  private static func conditions(_ reader: inout RequestReader) -> [SpanQuery.Condition] {
    let names: [(StaticString, StaticString, SpanQuery.Condition.Field)] = [
      ("trace_id", "trace_id_contains", .traceID), ("span_id", "span_id_contains", .spanID),
      ("parent_id", "parent_id_contains", .parentID), ("name", "name_contains", .name),
    ]
    var conditions: [SpanQuery.Condition] = []
    for (name, part, field) in names {
      if let value = reader.condition(name) { conditions.append(.init(field, .equals, value)) }
      if let value = reader.condition(part) { conditions.append(.init(field, .contains, value)) }
    }
    return conditions
  }
}
