import SQLite
import Telemetry
import TraceStore

/// Rewrites segments: half-dead ones, those whose prompts and completions are old, and those of attempts that have ended.
extension RetentionPass {
  /// What one pass spends on packing at most; the next one goes on.
  private static var packingTime: Duration { .seconds(20) }
  private static var hour: Int64 { 3_600_000_000_000 }
  private static var mostAtOnce: Int64 { 256 }

  /// Gathers what is left of segments that have lost most of their spans.
  func gather(_ reader: RetentionReader, _ rewriter: SegmentRewriter) throws {
    let delivered = try reader.delivered().arrival
    let segments = try reader.segments(
      "gone * 2 >= spans AND gone > 0 AND last_arrival <= ?1", delivered, limit: Self.mostAtOnce)
    var group: (isStripped: Int64, received: Int64)?
    var moves: [RewrittenSegment.Move] = []
    for segment in segments where !isStopping() {
      // All spans of a segment have one time of arrival, so what is put together must have come together.
      let belongs = group.map { $0.isStripped == segment.isStripped && abs($0.received - segment.received) < Self.hour }
      if belongs != true || moves.count >= 1_024 {
        try move(moves, rewriter, isStripped: group?.isStripped == 1)
        moves = []
        group = (segment.isStripped, segment.received)
      }
      moves += try rewriter.rows(of: segment.id).map(\.move)
    }
    try move(moves, rewriter, isStripped: group?.isStripped == 1)
  }

  private func move(
    _ moves: [RewrittenSegment.Move], _ rewriter: SegmentRewriter, isStripped: Bool
  ) throws {
    guard !moves.isEmpty else { return }
    let (segments, _) = try steps.working {
      try rewriter.rewrite(moves.sorted { $0.arrival < $1.arrival }, isPacked: false, isStripped: isStripped)
    }
    try apply(segments, stripped: 0)
  }

  /// Takes prompts and completions out of spans that are old enough, except those of rollouts that are kept longer.
  func strip(_ reader: RetentionReader, _ rewriter: SegmentRewriter) throws {
    guard let age = policy.payloadAfter else { return }
    let delivered = try reader.delivered()
    while !isStopping() {
      let segments = try reader.segments(
        "is_stripped = 0 AND received < ?1", now - age.nanoseconds, limit: Self.mostAtOnce)
      var hasStripped = false
      for segment in segments where !isStopping() {
        guard segment.lastArrival <= delivered.arrival || rules.isOlder(segment.received, than: policy.forwardLag)
        else {
          continue
        }
        let rows = try rewriter.rows(of: segment.id)
        var kept: [Int64: Bool] = [:]
        for row in rows where kept[row.attempt] == nil { kept[row.attempt] = try reader.isKept(attempt: row.attempt) }
        let (rewritten, stripped) = try steps.working {
          try rewriter.rewrite(
            rows.map(\.move), isPacked: true, isStripped: true, strips: { kept[rows[$0].attempt] == false })
        }
        if stripped > 0 {
          try apply(rewritten, stripped: stripped)
        } else {
          try steps.step { session, _ in try session.removal.relocation.markStripped(segment.id) }
        }
        hasStripped = true
      }
      if !hasStripped || segments.count < Int(Self.mostAtOnce) { return }
    }
  }

  /// Puts the spans of attempts together that have ended and are quiet, as far as there is time for it.
  func pack(_ reader: RetentionReader, _ rewriter: SegmentRewriter) throws {
    guard let quiet = policy.packAfter else { return }
    let delivered = try reader.delivered().time
    let end = ContinuousClock.now + Self.packingTime
    while !isStopping() {
      let attempts = try reader.attemptsToPack(before: min(now - quiet.nanoseconds, delivered), limit: Self.mostAtOnce)
      var done: [RetentionReader.QuietAttempt] = []
      for attempt in attempts where !isStopping() && ContinuousClock.now < end && !steps.isBusy {
        // What is left of the segment that is still open is looked at again when it is in the log.
        guard let moves = try reader.moves(ofAttempt: attempt.row) else { continue }
        if !moves.isEmpty {
          let (segments, _) = try steps.working { try rewriter.rewrite(moves, isPacked: true) }
          try apply(segments, stripped: 0)
        }
        done.append(attempt)
      }
      guard !done.isEmpty else { return }
      try steps.step { [done] session, _ in
        for attempt in done {
          try session.removal.relocation.markPacked(attempt.row, lastArrival: attempt.lastArrival)
        }
      }
    }
  }

  /// Has the writer move spans into new segments.
  private func apply(_ segments: [RewrittenSegment], stripped: Int) throws {
    var stripped = stripped
    for segment in segments where !isStopping() {
      let moved = try steps.step { session, _ in try session.apply(segment) }
      var tally = RetentionTally()
      tally.moved = moved
      tally.stripped = min(stripped, moved)
      stripped -= tally.stripped
      report(tally)
    }
  }
}
