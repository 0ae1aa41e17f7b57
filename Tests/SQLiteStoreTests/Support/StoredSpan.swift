import Telemetry
import TraceStore

/// A span as it is read back.
struct StoredSpan: Sendable {
  var row: SpanRow
  /// The `Span` message.
  var bytes: [UInt8]
  /// The `ResourceSpans` message around it; empty when it is large.
  var resourceSpans: [UInt8]
}

extension SpanReader {
  /// The spans that a query finds, with their bytes.
  func spans(_ query: SpanQuery) async throws -> [StoredSpan] {
    try await read { session throws(StoreError) in
      let selection = try session.select(query)
      var spans: [StoredSpan] = []
      _ = try session.visit(selection.rows[...]) { row, bytes, location in
        let resourceSpans = location.resourceSpans.count < 1_000 ? bytes.array(at: location.resourceSpans) : []
        spans.append(StoredSpan(row: row, bytes: bytes.array(at: location.span), resourceSpans: resourceSpans))
        return true
      }
      return spans
    }
  }

  func rows(_ query: SpanQuery) async throws -> [SpanRow] {
    try await read { session throws(StoreError) in try session.select(query).rows }
  }

  func spans(ofTrace number: UInt64) async throws -> [StoredSpan] {
    try await spans(SpanQuery(.trace(TestSpan.traceID(number))))
  }

  func rows(ofRollout id: String, attempt: SpanQuery.Attempt = .any) async throws -> [SpanRow] {
    try await rows(SpanQuery(.rollout(id, attempt: attempt)))
  }

  func rollouts() async throws -> [RolloutSummary] {
    try await read { session throws(StoreError) in try session.rollouts(after: 0, limit: 1_000, mostAttempts: .max) }
  }

  func totals() async throws -> StoreTotals {
    try await read { session throws(StoreError) in try session.totals() }
  }
}

extension Span where Element == UInt8 {
  func array(at range: Range<Int>) -> [UInt8] {
    unsafe extracting(range).withUnsafeBufferPointer { unsafe Array($0) }
  }
}
