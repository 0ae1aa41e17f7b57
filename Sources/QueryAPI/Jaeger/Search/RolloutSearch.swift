import Telemetry
import TraceStore

/// Finds traces among the spans of a rollout, which the index leads to.
enum RolloutSearch {
  /// Spans of a rollout that are looked at.
  static let mostSpans = 200_000

  /// Looks at the spans of some rollouts.
  ///
  /// - Returns: The traces, those first whose wanted spans came last, and whether all spans were looked at.
  static func find(
    _ rollouts: [String], _ conditions: RolloutConditions, _ search: SpanSearch, limit: Int,
    _ session: any ReadSession
  ) throws(StoreError) -> (traces: [TraceID], isComplete: Bool) {
    var lastArrivals: [TraceID: Int64] = [:]
    var isComplete = true
    for rollout in rollouts {
      var query = SpanQuery(.rollout(rollout, attempt: conditions.attemptID.map { .id($0) } ?? .any))
      query.limit = mostSpans
      let selection = try session.select(query)
      if selection.total > selection.rows.count { isComplete = false }
      let rows = selection.rows.filter { conditions.hold(for: $0.attempt, $0.sequence) }
      try look(at: rows, search, &lastArrivals, session)
    }
    let traces = lastArrivals.sorted { $0.value > $1.value }.prefix(limit).map(\.key)
    return (traces, isComplete)
  }

  private static func look(
    at rows: [SpanRow], _ search: SpanSearch, _ lastArrivals: inout [TraceID: Int64], _ session: any ReadSession
  ) throws(StoreError) {
    var search = search
    // The envelopes around the row before.
    var resource: (segment: Int64, start: Int, isWanted: Bool)?
    var scope: (segment: Int64, start: Int, isWanted: Bool)?
    _ = try session.visit(rows[...]) { row, bytes, location in
      let (segment, resourceStart, scopeStart) =
        (location.segment, location.resourceSpans.lowerBound, location.scopeSpans.lowerBound)
      if resource?.segment != segment || resource?.start != resourceStart {
        resource = (segment, resourceStart, search.enterResource(bytes, at: location.resourceSpans))
        scope = nil
      }
      guard resource?.isWanted == true else { return true }
      if scope?.segment != segment || scope?.start != scopeStart {
        scope = (segment, scopeStart, search.enterScope(bytes, at: location.scopeSpans))
      }
      if scope?.isWanted == true, search.match(bytes, at: location.span) != nil {
        lastArrivals[row.traceID] = max(lastArrivals[row.traceID] ?? 0, row.arrival)
      }
      return true
    }
  }
}
