import Protobuf
import Telemetry
import Threads
import TraceStore

/// Reads what a test has told a ``FakeStore``.
struct FakeSession: ReadSession {
  let store: FakeStore

  private var state: FakeStore.State { store.state.withLock { $0 } }

  private func list<Item>(_ words: String, _ items: KeyPath<FakeStore.State, [Item]>, limit: Int) -> [Item] {
    store.state.withLock { state in
      state.lists.append(words)
      return Array(state[keyPath: items].prefix(limit))
    }
  }

  // MARK: Attribution

  func bindings(of trace: TraceID?, after: Int64, limit: Int) -> [TraceBinding] {
    list("bindings \(trace?.description ?? "-") after \(after)", \.bindings, limit: limit)
  }

  func sessions(_ session: String?, after: Int64, limit: Int) -> [SessionRegistration] {
    list("sessions \(session ?? "-") after \(after)", \.sessions, limit: limit)
  }

  func attribution(of traceID: TraceID, _ spanID: SpanID) -> [AttributionReport] {
    list("attribution \(traceID) \(spanID)", \.reports, limit: .max)
  }

  func unassignedTraces(after: Int64, limit: Int, window: Range<UInt64>?) -> UnassignedPage {
    let traces = list("unassigned after \(after) in \(window.map { "\($0)" } ?? "-")", \.unassigned, limit: limit)
    return UnassignedPage(traces: traces, next: traces.count == limit ? traces.last?.position : nil)
  }

  func unassignedSessions(after: Int64, limit: Int, window: Range<UInt64>?) -> UnassignedSessionPage {
    let words = "unassigned sessions after \(after) in \(window.map { "\($0)" } ?? "-")"
    let sessions = list(words, \.unassignedSessions, limit: limit)
    return UnassignedSessionPage(sessions: sessions, next: sessions.count == limit ? sessions.last?.position : nil)
  }

  func unassignedWithoutSession() -> UnassignedCount? { state.withoutSession }

  func spanCounts(ofRollout id: String, byRule: ()) -> [TagRule: Int64] { state.rules }

  func pendingRetagging() -> Int64 { state.pending }

  func lastArrivals(atEndsOf rollout: String) -> [String: Int64] { state.arrivalsAtEnds }

  // MARK: The rollout

  func select(_ query: SpanQuery) -> SpanSelection {
    let rows = state.spans.enumerated().map { index, span in
      var row = SpanRow(
        arrival: Int64(index) + 1, sequence: span.sequence,
        attempt: SpanAttempt(rolloutID: "r", attemptID: span.attemptID), segment: 0, offset: 0)
      let start = (FakeRollout.start + span.start) * 1_000_000_000
      row.details = SpanDetails(
        traceID: TraceID(high: 1, low: 1), spanID: SpanID(value: UInt64(index) + 1), variant: 0,
        parentID: span.parent.map { SpanID(value: $0) },
        rule: span.rule, name: span.name, kind: 0, statusCode: 0, startTime: start, endTime: start)
      return row
    }
    return SpanSelection(rows: Array(rows.prefix(query.limit ?? .max)), total: rows.count)
  }

  func visit(_ rows: ArraySlice<SpanRow>, _ body: (SpanRow, Span<UInt8>, SpanLocation) -> Bool) -> Int {
    let spans = state.spans
    for row in rows {
      let bytes = FakeAttribute.span(spans[Int(row.arrival) - 1].attributes)
      let location = SpanLocation(
        resourceSpans: 0..<bytes.count, scopeSpans: 0..<bytes.count, span: 0..<bytes.count, segment: 0)
      if !body(row, bytes.span, location) { break }
    }
    return rows.count
  }

  func rollouts(_ ids: [String]) -> [AttemptedRollout] {
    state.rollout.map { [AttemptedRollout(rollout: $0, attempt: state.attempts.last)] } ?? []
  }

  func attempts(_ query: AttemptQuery) -> PageOf<Attempt> {
    PageOf(items: state.attempts, total: state.attempts.count)
  }

  func spanCounts(ofRollout id: String) -> [String: Int64] {
    state.spans.reduce(into: [:]) { $0[$1.attemptID ?? "", default: 0] += 1 }
  }

  // MARK: Nothing here asks for these

  func rollouts(after: Int64, limit: Int, mostAttempts: Int) -> [RolloutSummary] { [] }
  func totals() -> StoreTotals {
    StoreTotals(spans: 0, duplicates: 0, variants: 0, unassigned: 0, rollouts: 0, attempts: 0, traces: 0)
  }
  func rollouts(_ query: RolloutQuery) -> PageOf<AttemptedRollout> { PageOf(items: [], total: 0) }
  func rolloutPlaces(_ query: RolloutQuery) -> PageOf<Int64> { PageOf(items: [], total: 0) }
  func rollouts(at places: ArraySlice<Int64>, upTo bytes: Int) -> (items: [AttemptedRollout], done: Int) { ([], 0) }
  func unfinished(_ ids: Set<ExactText>) -> Set<ExactText> { [] }
  func workers(_ query: WorkerQuery) -> PageOf<Worker> { PageOf(items: [], total: 0) }
  func worker(_ id: String) -> Worker? { nil }
  func resources(_ query: ResourcesQuery) -> PageOf<ResourcesUpdate> { PageOf(items: [], total: 0) }
  func resources(_ id: String?) -> ResourcesUpdate? { nil }
}
