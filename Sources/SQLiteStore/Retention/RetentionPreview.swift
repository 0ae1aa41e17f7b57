import SQLite
package import TraceStore

/// What retention would delete now, for people who are about to change a policy.
package struct RetentionPreview: Sendable {
  /// A rollout that would go.
  package struct Rollout: Sendable {
    package var id: String
    package var reason: RetentionTally.Reason
    package var spans: Int64
    /// Nanoseconds since 1970.
    package var lastActivity: Int64
    /// What its spans take in the database, roughly.
    package var bytes: Int64
  }

  package var rollouts: [Rollout] = []
  /// Traces of which spans without a rollout would go.
  package var traces = 0
  package var spans: [RetentionTally.Reason: Int64] = [:]
  /// What would go back to the file system, roughly.
  package var bytes: Int64 = 0
  /// The database as it is, and how much of it is in use.
  package var databaseBytes: Int64 = 0
  package var usedBytes: Int64 = 0

  package init() {}

  /// Looks at the database of a data folder, which a server may have open.
  ///
  /// - Parameters:
  ///   - now: Nanoseconds since 1970.
  ///   - walBytes: The size of the write-ahead log.
  /// - Throws: An error that names the file.
  package static func make(
    databaseAt path: String, policy: RetentionPolicy, now: Int64, walBytes: Int64
  ) throws(StoreError) -> RetentionPreview {
    do {
      let reader = try RetentionReader(path: path, access: .reading(path))
      return try reader.snapshot {
        try PreviewMaker(reader: reader, rules: RetentionRules(policy: policy, now: now)).make(walBytes: walBytes)
      }
    } catch let error as StoreError {
      throw error.naming(path)
    } catch let error as SQLiteError {
      throw StoreError(reading: path, error)
    } catch {
      throw StoreError(.corrupt, "\(error)").naming(path)
    }
  }
}

private final class PreviewMaker {
  private let reader: RetentionReader
  private let rules: RetentionRules
  private var preview = RetentionPreview()
  private var isGone: Set<Int64> = []
  /// The rollouts of attempts, and the bytes of a span of segments, as far as they were asked for.
  private var rollouts: [Int64: Int64] = [:]
  private var shares: [Int64: Double] = [:]
  private var indexBytes = 0.0

  init(reader: RetentionReader, rules: RetentionRules) {
    self.reader = reader
    self.rules = rules
  }

  func make(walBytes: Int64) throws -> RetentionPreview {
    let size = try reader.size()
    preview.databaseBytes = size.bytes
    preview.usedBytes = size.usedBytes
    let spans = try reader.connection.integer("SELECT spans FROM counters") ?? 0
    let payloads = try reader.connection.integer("SELECT coalesce(sum(length(payload)), 0) FROM segments") ?? 0
    indexBytes = Double(max(0, size.usedBytes - payloads)) / Double(max(spans, 1))
    repeat {
      for candidate in try rules.oldRollouts(reader) { try add(candidate, .age) }
    } while reader.lastOldRollout != 0
    try addOldTraces()
    try addSurplus()
    try addServices()
    try addForBytes(used: size.usedBytes, walBytes: walBytes)
    preview.bytes += size.freePages * 4096
    return preview
  }

  private func add(_ candidate: RolloutCandidate, _ reason: RetentionTally.Reason) throws {
    guard isGone.insert(candidate.row).inserted else { return }
    let id = try reader.connection.text("SELECT rollout_id FROM rollouts WHERE id = \(candidate.row)") ?? ""
    let bytes = try self.bytes(
      """
      FROM rollout_traces JOIN spans ON spans.trace = rollout_traces.trace AND spans.attempt = rollout_traces.attempt
      WHERE rollout_traces.rollout = \(candidate.row)
      """, spans: candidate.spans)
    preview.rollouts.append(
      RetentionPreview.Rollout(
        id: id, reason: reason, spans: candidate.spans, lastActivity: candidate.lastActivity, bytes: bytes))
    count(candidate.spans, reason, bytes)
  }

  private func addOldTraces() throws {
    var last: TraceCandidate?
    repeat {
      let found = try rules.oldTraces(reader, after: last)
      for trace in found.old { try add(trace, .age) }
      last = found.last
    } while last != nil
  }

  private func add(_ trace: TraceCandidate, _ reason: RetentionTally.Reason) throws {
    preview.traces += 1
    let bytes = try self.bytes(
      "FROM spans WHERE trace = \(trace.trace) AND attempt = \(trace.attempt)", spans: trace.spans)
    count(trace.spans, reason, bytes)
  }

  private func addSurplus() throws {
    guard let most = rules.policy.spansPerRollout else { return }
    for rollout in try rules.largeRollouts(reader) where !isGone.contains(rollout.candidate.row) {
      let surplus = rollout.candidate.spans - Int64(most)
      let bytes = try self.bytes(
        """
        FROM (SELECT segment FROM rollout_traces
          JOIN spans ON spans.trace = rollout_traces.trace AND spans.attempt = rollout_traces.attempt
          WHERE rollout_traces.rollout = \(rollout.candidate.row) ORDER BY arrival LIMIT \(surplus))
        """, spans: surplus)
      count(surplus, .rollout, bytes)
    }
  }

  private func addServices() throws {
    for service in rules.policy.services {
      guard let row = try reader.service(named: service.name) else { continue }
      let last = try rules.lastToGo(of: service, row, reader, isClockTrusted: true)
      var cursor = SpanKey(trace: 0, spanID: .min, variant: 0)
      while last > 0, cursor.trace != .max {
        let found = try reader.spans(ofService: row, upTo: last, after: &cursor, limit: 4_096)
        let more = try found.filter { try !isGone.contains(rollout(of: $0.attempt)) }
        let payload = try more.reduce(0.0) { try $0 + payloadShare(of: $1.segment) }
        count(Int64(more.count), .service, Int64(payload + Double(more.count) * indexBytes))
      }
    }
  }

  /// The row of an attempt's rollout, 0 for none.
  private func rollout(of attempt: Int64) throws(SQLiteError) -> Int64 {
    if let known = rollouts[attempt] { return known }
    let rollout = try reader.connection.integer("SELECT rollout FROM attempts WHERE id = \(attempt)") ?? 0
    rollouts[attempt] = rollout
    return rollout
  }

  /// What one span takes of a segment on average.
  private func payloadShare(of segment: Int64) throws(SQLiteError) -> Double {
    if let known = shares[segment] { return known }
    // The segment that is still open is counted as nothing.
    let hundredths =
      try reader.connection.integer("SELECT length(payload) * 100 / spans FROM segments WHERE id = \(segment)") ?? 0
    shares[segment] = Double(hundredths) / 100
    return Double(hundredths) / 100
  }

  /// Those that would make room, the oldest first, as far as one search finds them.
  private func addForBytes(used: Int64, walBytes: Int64) throws {
    guard let limit = rules.policy.maximumBytes.map({ ByteLimit(limit: Int64($0)) }) else { return }
    var left = used + limit.counted(walBytes) - preview.bytes
    guard left > limit.high else { return }
    for areValued in [false, true] {
      for victim in try rules.victims(reader) where left > limit.low {
        let before = preview.bytes
        switch victim {
        case .rollout(let rollout):
          guard try areValued == (rollout.isFailed || reader.hasReward(rollout.candidate.row)) else { continue }
          try add(rollout.candidate, .bytes)
        case .trace(let trace): if !areValued { try add(trace.candidate, .bytes) }
        }
        left -= preview.bytes - before
      }
    }
  }

  private func count(_ spans: Int64, _ reason: RetentionTally.Reason, _ bytes: Int64) {
    preview.spans[reason, default: 0] += spans
    preview.bytes += bytes
  }

  /// What spans take: their part of their segments, and their rows.
  private func bytes(_ source: String, spans: Int64) throws -> Int64 {
    let payload = try reader.connection.integer(
      """
      SELECT CAST(coalesce(sum(length(payload) * 1.0 / segments.spans), 0) AS INTEGER)
      FROM (SELECT segment \(source)) AS found JOIN segments ON segments.id = found.segment
      """)
    return (payload ?? 0) + Int64(Double(spans) * indexBytes)
  }
}
