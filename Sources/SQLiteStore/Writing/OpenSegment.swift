/// A segment that is not in the log yet.
struct OpenSegment {
  /// What happened to it up to some moment.
  struct Extent {
    var bytes = 0
    var spans: Int64 = 0
  }

  let id: Int64
  /// Nanoseconds since 1970, our clock: one time for all of its spans.
  let received: Int64
  /// An `ExportTraceServiceRequest` message.
  var bytes: [UInt8] = []
  /// The message as a zstd frame, when it came as one.
  var compressed: [UInt8] = []
  var firstArrival: Int64 = 0
  var lastArrival: Int64 = 0
  var spans: Int64 = 0
  /// How much of it earlier transactions have written as parts.
  var written = Extent()
  /// The first of the spans that are not written yet.
  var firstUnwrittenArrival: Int64 = 0
  /// The earliest and the latest start of its spans, nanoseconds since 1970; `nil` when it was begun by another run.
  private(set) var starts: ClosedRange<UInt64>?

  init(id: Int64, received: Int64) {
    self.id = id
    self.received = received
  }

  /// Bytes that no transaction has written yet.
  var unwrittenBytes: Int { bytes.count - written.bytes }

  /// Whether spans have come that no transaction has written yet.
  ///
  /// Without, the bytes that came are repeats of spans that were there before, and nobody refers to them.
  var hasNewSpans: Bool { spans > written.spans }

  /// Counts a span.
  mutating func count(arrival: Int64, start: UInt64) {
    if let known = starts {
      if !known.contains(start) { starts = min(known.lowerBound, start)...max(known.upperBound, start) }
    } else if spans == 0 {
      starts = start...start
    }
    if spans == 0 { firstArrival = arrival }
    if !hasNewSpans { firstUnwrittenArrival = arrival }
    lastArrival = arrival
    spans += 1
  }

  /// Drops the bytes that were not written.
  mutating func dropUnwritten() { bytes.removeLast(unwrittenBytes) }

  /// Notes that everything is written.
  mutating func didWrite() { written = Extent(bytes: bytes.count, spans: spans) }
}
