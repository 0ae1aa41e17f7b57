import Telemetry
import TraceStore

/// The traces that a search has found.
struct FoundTraces: Sendable {
  var traces: [TraceID]
  /// Why there may be more; `nil` when there are none, or as many as were asked for.
  var shortfall: String?
}

/// Runs a search in steps, so that other queries get their turn, and no longer than it may.
struct TraceFinding: Sendable {
  /// Bytes of the log that a step looks through: some tens of milliseconds.
  private static let stepBytes = 16 << 20

  let reader: any SpanReader
  /// Bytes of the log that a search looks through at most.
  let mostBytes: Int
  /// How long a search lasts at most.
  let longest: Duration

  func find(_ search: JaegerSearch) async throws(StoreError) -> FoundTraces {
    let conditions = RolloutConditions(search.tags)
    if conditions.rolloutID != nil || conditions.attemptID != nil {
      if let found = try await findInRollouts(search, conditions) { return found }
    }
    guard try await canFind(search) else { return FoundTraces(traces: []) }
    return try await scan(search)
  }

  /// - Returns: `nil` when the index does not lead to all spans.
  private func findInRollouts(_ search: JaegerSearch, _ conditions: RolloutConditions) async throws(StoreError)
    -> FoundTraces?
  {
    try await reader.read { session throws(StoreError) in
      let rollouts: [String]
      if let rollout = conditions.rolloutID {
        rollouts = [rollout]
      } else {
        guard let attempt = conditions.attemptID, let named = try session.rollouts(withAttempt: attempt) else {
          return nil
        }
        rollouts = named
      }
      let (traces, isComplete) = try RolloutSearch.find(
        rollouts, conditions, SpanSearch(search), limit: search.limit, session)
      return FoundTraces(
        traces: traces,
        shortfall: isComplete
          ? nil : "only the first \(RolloutSearch.mostSpans) spans of the rollout were looked at")
    }
  }

  private func canFind(_ search: JaegerSearch) async throws(StoreError) -> Bool {
    try await reader.read { session throws(StoreError) in
      try session.canFind(
        services: search.service.map { ServiceNames.stored($0) },
        operation: search.operation == SpanName.emptyText.description ? nil : search.operation)
    }
  }

  private func scan(_ search: JaegerSearch) async throws(StoreError) -> FoundTraces {
    let clock = ContinuousClock()
    let deadline = clock.now + longest
    var state = (scan: LogScan(starts: search.starts), search: SpanSearch(search))
    while !state.scan.isFinished {
      guard clock.now < deadline, state.scan.byteCount < mostBytes else {
        let size = state.scan.byteCount >> 20
        return FoundTraces(
          traces: state.search.found,
          shortfall: "the search ended after \(size) MiB of spans, the newest: give a shorter time or a rollout")
      }
      let start = state
      state = try await reader.read { session throws(StoreError) in
        var state = start
        try session.scan(&state.scan, upTo: Self.stepBytes, &state.search)
        return state
      }
    }
    return FoundTraces(traces: state.search.found)
  }
}
