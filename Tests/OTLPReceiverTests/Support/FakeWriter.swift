import Synchronization
import Telemetry
import TraceStore

/// Keeps batches, or answers with the failure it is told.
final class FakeWriter: SpanWriter {
  private struct State {
    var batches: [SpanBatch] = []
    var failure: StoreError?
  }

  private let state = Mutex(State())

  init(failure: StoreError? = nil) { state.withLock { $0.failure = failure } }

  var batches: [SpanBatch] { state.withLock { $0.batches } }
  var spans: [SpanFacts] { batches.flatMap(\.spans) }
  /// The tags of all spans, in order.
  var tags: [RolloutTag] { batches.flatMap { batch in batch.spans.map { batch.tags[Int($0.tag)] } } }

  func append(_ batch: SpanBatch) async throws(StoreError) -> AppendReceipt {
    let failure = state.withLock { state in
      if state.failure == nil { state.batches.append(batch) }
      return state.failure
    }
    if let failure { throw failure }
    return AppendReceipt(stored: batch.spans.count)
  }
}
