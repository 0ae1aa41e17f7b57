import Telemetry
import TraceStore

/// A batch that waits for the writer, and who waits for the batch.
///
/// A large one is stored in slices, a transaction each, so that others are stored in between. It is acknowledged with the
/// last of them; the sender of a batch that fails before sends all of it again, and what was stored is found.
///
/// An object, because it goes from list to list and its parts are many. Unchecked Sendable: the writer changes it, and nobody
/// has it beside the writer.
final class PendingBatch: @unchecked Sendable {
  /// What a slice holds at most, or one segment: at 2 us a span some 16 ms of the writer's time.
  private static let sliceSpans = 8_192
  private static let sliceBytes = 4 << 20

  let batch: SpanBatch
  let byteCount: Int
  let continuation: CheckedContinuation<Result<AppendReceipt, StoreError>, Never>
  /// What became of the slices before.
  private(set) var receipt = AppendReceipt()
  /// The segments of the next slice.
  private(set) var slice: Range<Int>

  init(batch: SpanBatch, continuation: CheckedContinuation<Result<AppendReceipt, StoreError>, Never>) {
    self.batch = batch
    byteCount = batch.byteCount
    self.continuation = continuation
    slice = Self.slice(of: batch, from: 0)
  }

  /// Bytes that the next transaction takes of it, roughly.
  var nextByteCount: Int { min(byteCount, Self.sliceBytes) }

  /// Whether the next slice is the last.
  var isLastSlice: Bool { slice.upperBound == batch.segments.count }

  /// Goes on to the next slice, or adds up what became of all of them.
  func advance(_ receipt: AppendReceipt) {
    self.receipt.add(receipt)
    slice = Self.slice(of: batch, from: slice.upperBound)
  }

  static func slice(of batch: SpanBatch, from start: Int) -> Range<Int> {
    var end = start
    var spans = 0
    var bytes = 0
    while end < batch.segments.count {
      spans += batch.segments[end].spans.count
      bytes += batch.segments[end].bytes.count
      if end > start && (spans > sliceSpans || bytes > sliceBytes) { break }
      end += 1
    }
    return start..<end
  }
}
