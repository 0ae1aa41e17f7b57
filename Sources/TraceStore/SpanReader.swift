package import Telemetry

/// Reads the store.
package protocol SpanReader: Sendable {
  /// Queues `body` for a thread that reads, to run over one snapshot of the store.
  ///
  /// Work runs in the order in which it was queued. When there is no snapshot for it, because the store is closing or
  /// overloaded or cannot be read, `body` gets the reason instead, perhaps before this method has returned. It is
  /// called once in any case.
  func submit(_ body: @escaping @Sendable (Result<any ReadSession, StoreError>) -> Void)
}

extension SpanReader {
  /// Runs `body` on a thread for reading, over one snapshot of the store.
  ///
  /// - Throws: `deadline` when a query runs too long, `closing`, or what the engine reports.
  package func read<Value: Sendable>(
    _ body: @escaping @Sendable (any ReadSession) throws(StoreError) -> Value
  ) async throws(StoreError) -> Value {
    let outcome = await withCheckedContinuation { continuation in
      submit { session in
        continuation.resume(
          returning: Result { () throws(StoreError) in
            try body(try session.get())
          })
      }
    }
    return try outcome.get()
  }
}

/// One snapshot of the store; valid only inside `SpanReader.read`.
package protocol ReadSession: AttributionSession, SearchSession {
  /// Finds spans. A rollout or a trace that is not known has none.
  func select(_ query: SpanQuery) throws(StoreError) -> SpanSelection

  /// Shows the bytes of spans, in the order of `rows`, until `body` returns false.
  ///
  /// It stops in front of a span that is no longer where its row says: it was moved or deleted since the row was selected.
  ///
  /// - Returns: How many of the rows were shown.
  func visit(
    _ rows: ArraySlice<SpanRow>, _ body: (SpanRow, Span<UInt8>, SpanLocation) -> Bool
  ) throws(StoreError) -> Int

  /// Lists rollouts in the order in which they were first seen, each with so many of its newest attempts at most.
  func rollouts(after: Int64, limit: Int, mostAttempts: Int) throws(StoreError) -> [RolloutSummary]

  /// Counts what is stored.
  func totals() throws(StoreError) -> StoreTotals

  /// Finds rollouts that somebody has enqueued or started, with their latest attempts.
  func rollouts(_ query: RolloutQuery) throws(StoreError) -> PageOf<AttemptedRollout>

  /// Finds the places of rollouts, for those who read them piece by piece.
  func rolloutPlaces(_ query: RolloutQuery) throws(StoreError) -> PageOf<Int64>

  /// Reads rollouts at their places, the first ones as far as `bytes` of inputs and metadata reach, but at least one.
  ///
  /// - Returns: The rollouts, and how many of the places are done.
  func rollouts(at places: ArraySlice<Int64>, upTo bytes: Int) throws(StoreError) -> (
    items: [AttemptedRollout], done: Int
  )

  /// The rollouts of these ids that are known, in the order of the ids and as often.
  func rollouts(_ ids: [String]) throws(StoreError) -> [AttemptedRollout]

  /// Those of the rollouts that are known and have not finished.
  func unfinished(_ ids: Set<ExactText>) throws(StoreError) -> Set<ExactText>

  /// Counts the spans of a rollout by attempt, those that name no attempt under an empty id.
  func spanCounts(ofRollout id: String) throws(StoreError) -> [String: Int64]

  /// Finds attempts of a rollout; one that is not known has none.
  func attempts(_ query: AttemptQuery) throws(StoreError) -> PageOf<Attempt>

  /// Finds workers.
  func workers(_ query: WorkerQuery) throws(StoreError) -> PageOf<Worker>

  /// A worker; `nil` when it is not known.
  func worker(_ id: String) throws(StoreError) -> Worker?

  /// Finds resources.
  func resources(_ query: ResourcesQuery) throws(StoreError) -> PageOf<ResourcesUpdate>

  /// The resources of an id, `nil` = those added or updated last; `nil` when there are none.
  func resources(_ id: String?) throws(StoreError) -> ResourcesUpdate?
}

/// The spans that a query found, as far as they were asked for.
package struct SpanSelection: Sendable {
  package var rows: [SpanRow]
  /// How many spans match, before offset and limit.
  package var total: Int

  package init(rows: [SpanRow], total: Int) {
    self.rows = rows
    self.total = total
  }
}

/// A rollout and its attempts, as the spans tell it.
package struct RolloutSummary: Sendable {
  package struct Attempt: Sendable {
    package var id: String?
    package var spans: Int64
    /// Nanoseconds since 1970.
    package var firstArrival: Int64
    package var lastArrival: Int64

    package init(id: String?, spans: Int64, firstArrival: Int64, lastArrival: Int64) {
      self.id = id
      self.spans = spans
      self.firstArrival = firstArrival
      self.lastArrival = lastArrival
    }
  }

  /// The place in the list; pass it as `after` to go on.
  package let position: Int64
  package let id: String
  /// How many attempts there are, and what they have together.
  package private(set) var attemptCount = 0
  package private(set) var spans: Int64 = 0
  /// Nanoseconds since 1970; 0 without attempts.
  package private(set) var firstArrival: Int64 = 0
  package private(set) var lastArrival: Int64 = 0
  private let mostAttempts: Int
  private var newest: [Attempt] = []

  package init(position: Int64, id: String, mostAttempts: Int) {
    self.position = position
    self.id = id
    self.mostAttempts = mostAttempts
  }

  /// The newest attempts in their order.
  package var attempts: ArraySlice<Attempt> { newest.suffix(mostAttempts) }

  /// Adds an attempt, which is newer than those before.
  package mutating func add(_ attempt: Attempt) {
    firstArrival = attemptCount == 0 ? attempt.firstArrival : min(firstArrival, attempt.firstArrival)
    lastArrival = max(lastArrival, attempt.lastArrival)
    spans += attempt.spans
    attemptCount += 1
    newest.append(attempt)
    if newest.count / 2 >= mostAttempts { newest.removeFirst(mostAttempts) }
  }
}

/// What is stored.
package struct StoreTotals: Sendable {
  package var spans: Int64
  package var duplicates: Int64
  package var variants: Int64
  package var unassigned: Int64
  /// Rollouts that somebody has enqueued or started, and their attempts.
  package var rollouts: Int64
  package var attempts: Int64
  package var traces: Int64
  package var resources: Int64 = 0
  package var workers: Int64 = 0

  package init(
    spans: Int64, duplicates: Int64, variants: Int64, unassigned: Int64, rollouts: Int64, attempts: Int64,
    traces: Int64
  ) {
    self.spans = spans
    self.duplicates = duplicates
    self.variants = variants
    self.unassigned = unassigned
    self.rollouts = rollouts
    self.attempts = attempts
    self.traces = traces
  }
}
