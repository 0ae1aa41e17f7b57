import OTLP
import Protobuf
import Telemetry
package import TraceStore

/// Examines a rollout over one snapshot of the store.
package struct RolloutExaminer {
  /// Spans whose contents are looked at: some seconds of work at most.
  package static let mostSpans = 100_000

  /// Traces that may belong to the rollout, and are listed.
  static let mostTraces = 20

  private let id: String
  private let session: any ReadSession
  private let now: Int64
  private var diagnosis: RolloutDiagnosis

  private init(_ id: String, _ session: any ReadSession, now: Int64) {
    self.id = id
    self.session = session
    self.now = now
    diagnosis = RolloutDiagnosis(rolloutID: id)
  }

  /// Examines a rollout, which need not be known.
  ///
  /// - Parameters:
  ///   - now: Nanoseconds since 1970.
  ///   - refusals: What was refused lately; `nil` when that is not known.
  package static func examine(
    _ id: String, _ session: any ReadSession, now: Int64, refusals: [Refusal]?
  ) throws(StoreError) -> RolloutDiagnosis {
    var examiner = RolloutExaminer(id, session, now: now)
    try examiner.readAttempts()
    try examiner.readSpans()
    try examiner.readUnassigned()
    examiner.diagnosis.rules = try session.spanCounts(ofRollout: id, byRule: ())
    examiner.diagnosis.pendingRetagging = try session.pendingRetagging()
    // Equal ids have equal bytes.
    let wanted = ExactText(id)
    examiner.diagnosis.refusals = refusals?.filter { $0.rolloutIDs.contains { ExactText($0) == wanted } }
    return examiner.diagnosis
  }

  private mutating func readAttempts() throws(StoreError) {
    diagnosis.rollout = try session.rollouts([id]).first?.rollout
    let registered = diagnosis.rollout == nil ? [] : try session.attempts(AttemptQuery(rolloutID: id)).items
    var counts: [ExactText: Int64] = [:]
    for (attempt, spans) in try session.spanCounts(ofRollout: id) { counts[ExactText(attempt)] = spans }
    for attempt in registered.sorted(by: { $0.sequence < $1.sequence }) {
      let spans = counts.removeValue(forKey: ExactText(attempt.id)) ?? 0
      diagnosis.attempts.append(.init(id: attempt.id, registered: attempt, spans: spans))
    }
    for (attempt, spans) in counts.sorted(by: { $0.key.text < $1.key.text }) {
      diagnosis.attempts.append(.init(id: attempt.text.isEmpty ? nil : attempt.text, registered: nil, spans: spans))
    }
  }

  private mutating func readSpans() throws(StoreError) {
    var query = SpanQuery(.rollout(id, attempt: .any))
    query.limit = Self.mostSpans
    let rows = try session.select(query).rows
    var tallies = AttemptTallies()
    for (attempt, last) in try session.lastArrivals(atEndsOf: id) { tallies.end(attempt, lastArrival: last) }
    // A span that cannot be visited any more is gone since.
    _ = try session.visit(rows[...]) { row, bytes, location in
      // What was stored was read by the scanner before.
      if let traits = try? SpanTraits(bytes, at: location.span, name: row.name) { tallies.add(row, traits) }
      return true
    }
    for index in diagnosis.attempts.indices {
      diagnosis.attempts[index].tally = tallies.tally(diagnosis.attempts[index].id)
    }
    diagnosis.examinedSpans = rows.count
    diagnosis.sequence = SequenceReport(rows.map(\.sequence))
    diagnosis.unassigned.window = window(rows)
  }

  /// When the rollout was at work: its attempts, and its spans beyond them.
  private func window(_ rows: [SpanRow]) -> Range<UInt64>? {
    var times = rows.flatMap { [$0.startTime, $0.endTime] }.filter { $0 != 0 }
    if let rollout = diagnosis.rollout {
      let attempts = diagnosis.attempts.compactMap(\.registered)
      let starts = attempts.isEmpty ? [rollout.startTime] : attempts.map(\.startTime)
      // What has not ended goes on.
      let ends = attempts.isEmpty ? [rollout.endTime] : attempts.map(\.endTime)
      times += starts.compactMap(Self.nanoseconds)
      times += ends.compactMap { $0.map(Self.nanoseconds) ?? UInt64(exactly: now) }
    }
    guard let first = times.min(), let last = times.max(), last < UInt64(Int64.max) else { return nil }
    return first..<last + 1
  }

  private mutating func readUnassigned() throws(StoreError) {
    guard let window = diagnosis.unassigned.window else { return }
    let page = try session.unassignedTraces(after: 0, limit: Self.mostTraces, window: window)
    diagnosis.unassigned.traces = page.traces
    diagnosis.unassigned.hasMore = page.next != nil
  }

  /// Nanoseconds of a time in seconds; `nil` for times that are none.
  static func nanoseconds(_ seconds: Double) -> UInt64? {
    seconds > 0 && seconds < 9e9 ? UInt64(seconds * 1e9) : nil
  }
}
