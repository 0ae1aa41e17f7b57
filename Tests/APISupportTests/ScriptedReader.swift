import Telemetry
import Threads
import TraceStore

/// A store with spans of one byte, whose only thread for reading is the test.
final class ScriptedReader: SpanReader {
  typealias Job = @Sendable (Result<any ReadSession, StoreError>) -> Void

  private let jobs = Locked<[Job]>([])
  private let spanCount: Int

  init(spanCount: Int) { self.spanCount = spanCount }

  func submit(_ body: @escaping Job) { jobs.withLock { $0.append(body) } }

  var waitingCount: Int { jobs.withLock { $0.count } }

  /// Does what waits, and what comes of it, until nothing waits.
  ///
  /// - Returns: How much was done.
  @discardableResult
  func runAll(failing failure: StoreError? = nil) -> Int {
    var count = 0
    while run(failing: failure) { count += 1 }
    return count
  }

  /// Does what has waited longest.
  ///
  /// - Returns: Whether anything did.
  func run(failing failure: StoreError? = nil) -> Bool {
    guard let job = jobs.withLock({ $0.isEmpty ? nil : $0.removeFirst() }) else { return false }
    job(failure.map { .failure($0) } ?? .success(Session(spanCount: spanCount)))
    return true
  }

  private struct Session: ReadSession {
    let spanCount: Int

    func select(_ query: SpanQuery) -> SpanSelection {
      let attempt = SpanAttempt(rolloutID: nil, attemptID: nil)
      let rows = (0..<spanCount).map {
        SpanRow(arrival: Int64($0), sequence: nil, attempt: attempt, segment: 0, offset: 0)
      }
      return SpanSelection(rows: rows, total: spanCount)
    }

    func visit(_ rows: ArraySlice<SpanRow>, _ body: (SpanRow, Span<UInt8>, SpanLocation) -> Bool) -> Int {
      let location = SpanLocation(resourceSpans: 0..<0, scopeSpans: 0..<0, span: 0..<0, segment: 0)
      let nothing: [UInt8] = []
      var done = 0
      for row in rows {
        done += 1
        if !body(row, nothing.span, location) { break }
      }
      return done
    }

    func rollouts(after: Int64, limit: Int, mostAttempts: Int) -> [RolloutSummary] { [] }
    func rollouts(_ query: RolloutQuery) -> PageOf<AttemptedRollout> { PageOf(items: [], total: 0) }
    func rollouts(_ ids: [String]) -> [AttemptedRollout] { [] }
    func rolloutPlaces(_ query: RolloutQuery) -> PageOf<Int64> { PageOf(items: [], total: 0) }
    func rollouts(at places: ArraySlice<Int64>, upTo bytes: Int) -> (items: [AttemptedRollout], done: Int) {
      ([], places.count)
    }
    func unfinished(_ ids: Set<ExactText>) -> Set<ExactText> { [] }
    func spanCounts(ofRollout id: String) -> [String: Int64] { [:] }
    func attempts(_ query: AttemptQuery) -> PageOf<Attempt> { PageOf(items: [], total: 0) }
    func workers(_ query: WorkerQuery) -> PageOf<Worker> { PageOf(items: [], total: 0) }
    func worker(_ id: String) -> Worker? { nil }
    func resources(_ query: ResourcesQuery) -> PageOf<ResourcesUpdate> { PageOf(items: [], total: 0) }
    func resources(_ id: String?) -> ResourcesUpdate? { nil }

    func totals() throws(StoreError) -> StoreTotals { throw StoreError(.refused, "not scripted") }

    func bindings(of trace: TraceID?, after: Int64, limit: Int) throws(StoreError) -> [TraceBinding] {
      throw StoreError(.refused, "not scripted")
    }

    func sessions(_ session: String?, after: Int64, limit: Int) throws(StoreError) -> [SessionRegistration] {
      throw StoreError(.refused, "not scripted")
    }

    func attribution(of traceID: TraceID, _ spanID: SpanID) throws(StoreError) -> [AttributionReport] {
      throw StoreError(.refused, "not scripted")
    }

    func unassignedTraces(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError) -> UnassignedPage {
      throw StoreError(.refused, "not scripted")
    }

    func unassignedSessions(after: Int64, limit: Int, window: Range<UInt64>?) throws(StoreError)
      -> UnassignedSessionPage
    {
      throw StoreError(.refused, "not scripted")
    }

    func unassignedWithoutSession() throws(StoreError) -> UnassignedCount? {
      throw StoreError(.refused, "not scripted")
    }

    func spanCounts(ofRollout id: String, byRule: ()) throws(StoreError) -> [TagRule: Int64] {
      throw StoreError(.refused, "not scripted")
    }

    func pendingRetagging() throws(StoreError) -> Int64 { throw StoreError(.refused, "not scripted") }

    func services() -> ServiceList { ServiceList(names: [], hasUnnamed: false) }
    func operations(ofService service: String?) -> [TraceStore.Operation] { [] }
    func canFind(services: [String?]?, operation: String?) -> Bool { false }
    func scan<Filter: SpanFilter>(_ scan: inout LogScan, upTo bytes: Int, _ filter: inout Filter) { scan.place = .end }
    func rollouts(withAttempt id: String) -> [String]? { [] }
    func summary(of traceID: TraceID) -> TraceSummary? { nil }
    func countCalls(_ scan: inout CallScan) { scan.isFinished = true }
  }
}

/// Renders each span as half a piece.
struct HalfPieceRenderer: SpanRenderer {
  static let size = SpanPieces<Self>.pieceSize / 2

  private var output: [UInt8] = []

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    defer { output = [] }
    return output
  }

  mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int {
    output += Array(repeating: UInt8(truncatingIfNeeded: row.arrival), count: Self.size)
    return output.count
  }

  mutating func finish() { output.append(0xFF) }

  /// All of an answer.
  static func answer(spanCount: Int) -> [UInt8] {
    (0..<spanCount).flatMap { Array(repeating: UInt8(truncatingIfNeeded: $0), count: size) } + [0xFF]
  }
}
