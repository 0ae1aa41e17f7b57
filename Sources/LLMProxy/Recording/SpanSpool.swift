import Logging
import Metrics
import OTLPReceiver
import Telemetry
import TraceStore

/// Composed spans on their way to the store: many calls become one batch when the store is busy, and what it refused is
/// sent again.
struct SpanSpool {
  /// The spans of one call, as an `ExportTraceServiceRequest`.
  struct Item: Sendable {
    var bytes: [UInt8]
    var tag: RolloutTag
    var sequence: Int64?
    var serial: UInt64
    /// Its share of the memory, until it is stored.
    var lease: RecordingMemory.Lease
  }

  /// What is stored together.
  struct Batch: Sendable {
    var items: [Item]
  }

  private static let batchBytes = 1 << 20
  private static let batchItems = 1_000
  /// Batches that the store has at once: it works on one while the next is made.
  private static let maximumInFlight = 2
  private static let firstDelay = Duration.milliseconds(50)
  private static let longestDelay = Duration.seconds(5)

  private var waiting: [Item] = []
  private var inFlight = 0
  private var delay = firstDelay
  private var retryAt: ContinuousClock.Instant?
  private let decoder = RequestDecoder()
  private let metrics: ProxyMetrics
  private let logger: Logger
  private let limiter = LogLimiter()

  init(metrics: ProxyMetrics, logger: Logger) {
    self.metrics = metrics
    self.logger = logger
  }

  /// Until when to try again; `nil` when nothing failed.
  var patience: Duration? {
    guard let retryAt, !waiting.isEmpty else { return nil }
    return max(.zero, retryAt - .now)
  }

  mutating func add(_ item: Item) { waiting.append(item) }

  /// The next batch, if there is one and the store can take it.
  mutating func next() -> Batch? {
    guard !waiting.isEmpty, inFlight < Self.maximumInFlight else { return nil }
    if let retryAt {
      guard retryAt <= .now else { return nil }
      self.retryAt = nil
    }
    var count = 0
    var bytes = 0
    while count < waiting.count, count < Self.batchItems, count == 0 || bytes < Self.batchBytes {
      bytes += waiting[count].bytes.count
      count += 1
    }
    let batch = Batch(items: Array(waiting[..<count]))
    waiting.removeFirst(count)
    inFlight += 1
    return batch
  }

  /// Makes the batch that the store takes.
  ///
  /// - Returns: `nil` when it cannot be made, which would be a fault of ours.
  func decode(_ batch: Batch) -> SpanBatch? {
    var spans = decoder.decode(clean: Self.joined(batch.items))
    if spans == nil || !Self.tag(&spans!, batch) {
      limiter.log(logger, .error, "recorded calls cannot be encoded", ["calls": .count(batch.items.count)])
      metrics.droppedCalls.increment(by: batch.items.count)
      return nil
    }
    return spans
  }

  /// Messages joined end to end are one message.
  private static func joined(_ items: [Item]) -> [UInt8] {
    if items.count == 1 { return items[0].bytes }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(items.reduce(0) { $0 + $1.bytes.count })
    for item in items { bytes += item.bytes }
    return bytes
  }

  /// Gives the spans of each call its tag and its number.
  ///
  /// - Returns: `false` when the spans are not those of the batch.
  private static func tag(_ spans: inout SpanBatch, _ batch: Batch) -> Bool {
    var owners: [Int] = []
    owners.reserveCapacity(spans.spans.count)
    for (index, item) in batch.items.enumerated() {
      for _ in 0..<SpanCount.count(item.bytes.span) { owners.append(index) }
    }
    guard owners.count == spans.spans.count else { return false }
    var tagged: Set<Int> = []
    for index in spans.spans.indices {
      let item = batch.items[owners[index]]
      if let sequence = item.sequence { spans.spans[index].sequence = sequence }
      guard item.tag != .unassigned else { continue }
      let found = spans.tags[Int(spans.spans[index].tag)]
      spans.spans[index].tag = Int32(spans.tags.count)
      spans.tags.append(item.tag.completed(by: found))
      tagged.insert(index)
    }
    guard !tagged.isEmpty else { return true }
    // Sessions and links say where spans belong that name no rollout.
    let named = tagged.filter { spans.tags[Int(spans.spans[$0].tag)].rolloutID != nil }
    spans.sessions.removeAll { named.contains($0.span) }
    spans.links.removeAll { named.contains($0.span) }
    return true
  }

  mutating func didAppend(_ batch: Batch, _ error: StoreError?) {
    inFlight -= 1
    guard let error else {
      delay = Self.firstDelay
      metrics.recordedCalls.increment(by: batch.items.count)
      return
    }
    limiter.log(
      logger, .warning, "recorded calls wait for the store",
      ["cause": .text("\(error)"), "calls": .count(batch.items.count + waiting.count)])
    waiting.insert(contentsOf: batch.items, at: 0)
    retryAt = .now + delay
    delay = min(delay * 2, Self.longestDelay)
  }
}

extension RolloutTag {
  /// The tag with what it lacks from weaker evidence.
  fileprivate func completed(by other: RolloutTag) -> RolloutTag {
    var tag = self
    if tag.rolloutID == nil {
      tag.rolloutID = other.rolloutID
      tag.rule = other.rolloutID == nil ? rule : other.rule
    }
    if tag.attemptID == nil {
      tag.attemptID = other.attemptID
      tag.attemptRule = other.attemptRule
    }
    return tag
  }
}
