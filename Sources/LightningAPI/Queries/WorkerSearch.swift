import JSON
import TraceStore

/// `QueryWorkersRequest`.
///
/// AGL store contract, section 5.
enum WorkerSearch {
  private static let model = QueryModel<WorkerQuery.SortKey>(
    plural: "Workers",
    fields: [
      "worker_id", "status", "heartbeat_stats", "last_heartbeat_time", "last_dequeue_time", "last_busy_time",
      "last_idle_time", "current_rollout_id", "current_attempt_id",
    ],
    keys: [
      "worker_id": .id, "status": .status, "last_heartbeat_time": .lastHeartbeatTime,
      "last_dequeue_time": .lastDequeueTime, "last_busy_time": .lastBusyTime, "last_idle_time": .lastIdleTime,
      "current_rollout_id": .currentRolloutID, "current_attempt_id": .currentAttemptID,
    ])

  static func read(_ reader: inout RequestReader) throws(RequestFailure) -> LightningQuery<WorkerQuery> {
    guard reader.isObject(JSONDocument.root) else { throw .invalid(reader.faults) }
    var query = WorkerQuery()
    query.statuses = reader.words("status_in")
    query.idContains = reader.condition("worker_id_contains")
    let page = reader.page()
    let matchesAny = reader.matchesAny()
    try reader.check()
    query.page = try page.page(model, matchesAny: matchesAny)
    return LightningQuery(query, page)
  }
}
