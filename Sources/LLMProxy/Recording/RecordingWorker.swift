import GenAI
import Logging
import Metrics
import Synchronization
import Telemetry
import TraceStore

/// What the recorder's thread does with an update.
///
/// Confined to that thread.
final class RecordingWorker {
  private let composer: SpanComposer
  private let memory: RecordingMemory
  private let metrics: ProxyMetrics
  private var spool: SpanSpool
  /// Calls that are over and wait for their number.
  private var unnumbered = 0
  private var lastSerial: UInt64 = 0
  /// Calls that are over and not stored.
  private var outstanding: Set<UInt64> = []
  private var flushes: [(serial: UInt64, continuation: CheckedContinuation<Void, Never>)] = []
  /// Hands a batch to the store; set once, before the thread starts.
  var append: (SpanSpool.Batch, SpanBatch) -> Void = { _, _ in }

  init(composer: SpanComposer, memory: RecordingMemory, metrics: ProxyMetrics, logger: Logger) {
    self.composer = composer
    self.memory = memory
    self.metrics = metrics
    spool = SpanSpool(metrics: metrics, logger: logger)
  }

  /// How long to wait for updates at most; `nil` = for ever.
  var patience: Duration? { spool.patience }

  func apply(_ update: Recorder.Update) {
    switch update {
    case .part(let call, let part): read(part, of: call)
    case .sequence(let call, let number):
      call.sequence = number
      call.waitsForSequence = false
      guard call.exchange != nil else { return }
      unnumbered -= 1
      compose(call)
    case .appended(let batch, let error):
      didAppend(batch, error)
    case .flush(let continuation):
      flushes.append((lastSerial, continuation))
      resumeFlushes()
    }
  }

  private func read(_ part: CallRecord.Part, of call: CallRecord) {
    let reader = reader(of: call)
    if let head = part.head {
      reader.begin(status: head.status, contentType: head.contentType, contentEncoding: head.contentEncoding)
    }
    for piece in part.pieces { reader.receive(piece.span) }
    call.waitingBytes.wrappingSubtract(part.byteCount, ordering: .relaxed)
    if part.isCut { reader.cut() }
    guard let end = part.end else { return }
    lastSerial += 1
    call.serial = lastSerial
    outstanding.insert(lastSerial)
    call.exchange = reader.finish(end)
    call.reader = nil
    if call.waitsForSequence { unnumbered += 1 } else { compose(call) }
  }

  private func reader(of call: CallRecord) -> ExchangeReader {
    if let reader = call.reader { return reader }
    let reader = ExchangeReader(
      api: call.api, path: call.path, requestBody: call.requestBody, options: call.options)
    call.reader = reader
    return reader
  }

  private func compose(_ call: CallRecord) {
    guard let exchange = call.exchange else { return }
    call.exchange = nil
    metrics.observe(exchange, call.context, call.upstream)
    let bytes = composer.compose(exchange, call.context, level: call.options.level, newSpanID: { .random() })
    let lease = RecordingMemory.Lease(memory)
    guard lease.grow(by: bytes.count) else {
      metrics.droppedCalls.increment()
      outstanding.remove(call.serial)
      return resumeFlushes()
    }
    spool.add(
      SpanSpool.Item(bytes: bytes, tag: call.tag, sequence: call.sequence, serial: call.serial, lease: lease))
  }

  /// Sends what waits, if the store can take it.
  func sendWaiting() {
    while let batch = spool.next(isUrgent: !flushes.isEmpty) {
      if let spans = spool.decode(batch) {
        append(batch, spans)
      } else {
        didAppend(batch, nil)
      }
    }
  }

  private func didAppend(_ batch: SpanSpool.Batch, _ error: StoreError?) {
    spool.didAppend(batch, error)
    if error == nil {
      for item in batch.items { outstanding.remove(item.serial) }
      resumeFlushes()
    } else {
      // Whoever waits must not wait for a disk.
      for flush in flushes { flush.continuation.resume() }
      flushes = []
    }
  }

  private func resumeFlushes() {
    guard !flushes.isEmpty else { return }
    let oldest = outstanding.min() ?? .max
    flushes.removeAll { flush in
      guard flush.serial < oldest else { return false }
      flush.continuation.resume()
      return true
    }
  }
}
