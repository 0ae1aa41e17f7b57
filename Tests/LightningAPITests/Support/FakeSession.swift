import Telemetry
import Threads
import TraceStore

/// Reads what a test has told a ``FakeStore``.
struct FakeSession: ReadSession {
  let store: FakeStore

  func select(_ query: SpanQuery) -> SpanSelection {
    store.state.withLock { state in
      state.calls.append("select")
      state.spanQuery = query
      let rows = state.spans.enumerated().map { index, span in
        SpanRow(
          arrival: Int64(index), sequence: span.sequence,
          attempt: SpanAttempt(rolloutID: span.rolloutID, attemptID: span.attemptID), segment: Int64(index), offset: 0)
      }
      return SpanSelection(rows: rows, total: rows.count)
    }
  }

  func visit(_ rows: ArraySlice<SpanRow>, _ body: (SpanRow, Span<UInt8>, SpanLocation) -> Bool) -> Int {
    let spans = store.state.withLock { $0.spans }
    var done = 0
    for row in rows {
      let batch = spans[Int(row.arrival)].batch
      let facts = batch.spans[0]
      let context = batch.contexts[0]
      let location = SpanLocation(
        resourceSpans: context.resourceSpans, scopeSpans: context.scopeSpans,
        span: Int(facts.offset)..<Int(facts.offset + facts.length), segment: row.segment)
      done += 1
      let bytes = batch.segments[0].bytes
      if !body(row, bytes.span, location) { break }
    }
    return done
  }

  func rollouts(after: Int64, limit: Int, mostAttempts: Int) -> [RolloutSummary] { [] }

  func rolloutPlaces(_ query: RolloutQuery) -> PageOf<Int64> {
    let page = rollouts(query)
    return PageOf(items: page.items.indices.map(Int64.init), total: page.total)
  }

  func rollouts(at places: ArraySlice<Int64>, upTo bytes: Int) -> (items: [AttemptedRollout], done: Int) {
    store.state.withLock { state in (places.map { state.rollouts[Int($0)] }, places.count) }
  }

  func unfinished(_ ids: Set<ExactText>) -> Set<ExactText> {
    store.state.withLock { state in
      Set(state.rollouts.filter { !$0.rollout.status.isFinished }.map { ExactText($0.rollout.id) }).intersection(ids)
    }
  }

  func spanCounts(ofRollout id: String) -> [String: Int64] { [:] }

  func totals() -> StoreTotals {
    var totals = StoreTotals(
      spans: 1, duplicates: 2, variants: 3, unassigned: 4, rollouts: 5, attempts: 6, traces: 7)
    totals.resources = 8
    totals.workers = 9
    return totals
  }

  func rollouts(_ query: RolloutQuery) -> PageOf<AttemptedRollout> {
    store.state.withLock { state in
      state.calls.append("rollouts")
      state.rolloutQuery = query
      return PageOf(items: state.rollouts, total: state.rollouts.count)
    }
  }

  func rollouts(_ ids: [String]) -> [AttemptedRollout] {
    store.state.withLock { state in
      state.calls.append("rollouts \(ids.joined(separator: ","))")
      return ids.compactMap { id in state.rollouts.first { $0.rollout.id == id } }
    }
  }

  func attempts(_ query: AttemptQuery) -> PageOf<Attempt> {
    store.state.withLock { state in
      state.calls.append("attempts \(query.rolloutID)")
      state.attemptQuery = query
      return PageOf(items: state.attempts, total: state.attempts.count)
    }
  }

  func workers(_ query: WorkerQuery) -> PageOf<Worker> {
    store.state.withLock { state in
      state.calls.append("workers")
      state.workerQuery = query
      return PageOf(items: state.workers, total: state.workers.count)
    }
  }

  func worker(_ id: String) -> Worker? { store.state.withLock { $0.workers.first { $0.id == id } } }

  func resources(_ query: ResourcesQuery) -> PageOf<ResourcesUpdate> {
    store.state.withLock { state in
      state.resourcesQuery = query
      return PageOf(items: state.resources, total: state.resources.count)
    }
  }

  func resources(_ id: String?) -> ResourcesUpdate? {
    store.state.withLock { state in id == nil ? state.resources.last : state.resources.first { $0.id == id } }
  }
}
