import JSON
import TraceStore

/// `QueryRolloutsRequest`.
///
/// AGL store contract, section 5. `mode_in` and the order by `duration` are what the dashboard offers; AGL has neither.
enum RolloutSearch {
  private static let model = QueryModel<RolloutQuery.SortKey>(
    plural: "Rollouts",
    fields: [
      "rollout_id", "input", "start_time", "end_time", "mode", "resources_id", "status", "config", "metadata",
    ],
    keys: [
      "rollout_id": .id, "start_time": .startTime, "end_time": .endTime, "duration": .duration, "mode": .mode,
      "resources_id": .resourcesID, "status": .status,
    ])

  static func read(_ reader: inout RequestReader) throws(RequestFailure) -> LightningQuery<RolloutQuery> {
    guard reader.isObject(JSONDocument.root) else { throw .invalid(reader.faults) }
    var query = RolloutQuery()
    query.statuses = reader.words("status_in")
    query.ids = reader.nullable(JSONDocument.root, "rollout_id_in") { reader, place in
      reader.list(place) { reader, place in reader.string(place) }
    }
    query.idContains = reader.condition("rollout_id_contains")
    query.modes = reader.words("mode_in")
    let page = reader.page()
    let matchesAny = reader.matchesAny()
    try reader.check()
    query.page = try page.page(model, matchesAny: matchesAny)
    return LightningQuery(query, page)
  }
}
