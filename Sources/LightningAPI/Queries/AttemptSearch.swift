import JSON
import TraceStore

/// `QueryAttemptsRequest`.
///
/// AGL store contract, section 5.
enum AttemptSearch {
  private static let model = QueryModel<AttemptQuery.SortKey>(
    plural: "Attempts",
    fields: [
      "rollout_id", "attempt_id", "sequence_id", "start_time", "end_time", "status", "worker_id",
      "last_heartbeat_time", "metadata",
    ],
    keys: [
      "rollout_id": .rolloutID, "attempt_id": .id, "sequence_id": .sequence, "start_time": .startTime,
      "end_time": .endTime, "duration": .duration, "status": .status, "worker_id": .workerID,
      "last_heartbeat_time": .lastHeartbeatTime,
    ], usual: .sequence)

  static func read(_ reader: inout RequestReader, rollout: String) throws(RequestFailure)
    -> LightningQuery<AttemptQuery>
  {
    guard reader.isObject(JSONDocument.root) else { throw .invalid(reader.faults) }
    let page = reader.page()
    try reader.check()
    var query = AttemptQuery(rolloutID: rollout)
    query.page = try page.page(model)
    return LightningQuery(query, page)
  }
}
