/// A stored span that is to leave, and where its bytes lie.
package struct ForwardSpan: Sendable {
  package var arrival: Int64
  package var variant: Int64
  /// Where it belongs now.
  package var attempt: SpanAttempt
  package var sequence: Int64?
  /// `StatusCode`; 2 is an error.
  package var statusCode: Int32
  package var service: String?
  /// The index of its segment in the page, and where it lies in it.
  package var source: Int
  package var location: SpanLocation
  /// What is done when this span and all before it are: a cursor, or of spans that are sent again a number of the outbox.
  package var progress: Int64
  /// Spans before it in the page that are not in it.
  package var filteredBefore: Int64 = 0
  package var goneBefore: Int64 = 0

  package init(
    arrival: Int64, variant: Int64, attempt: SpanAttempt, sequence: Int64?, statusCode: Int32, service: String?,
    source: Int, location: SpanLocation, progress: Int64
  ) {
    self.arrival = arrival
    self.variant = variant
    self.attempt = attempt
    self.sequence = sequence
    self.statusCode = statusCode
    self.service = service
    self.source = source
    self.location = location
    self.progress = progress
  }
}

/// Spans behind a position, from one state of the store.
package struct ForwardPage: Sendable {
  /// The bytes of the segments that the spans lie in.
  package var segments: [[UInt8]] = []
  /// In the order in which they are to leave.
  package var spans: [ForwardSpan] = []
  /// What is done when all spans are.
  package var end: Int64
  /// Whether nothing was stored behind the page.
  package var reachesEnd = false
  /// Spans of the page's range that the filter took out, and those that are not there any more.
  package var filtered: Int64 = 0
  package var gone: Int64 = 0
  /// When the first span that is not done arrived, nanoseconds since 1970; `nil` when there is none.
  package var oldestArrival: Int64?
  /// Segments that could not be read.
  package var damagedSegments: [Int64] = []
  /// The newest entry of the target's outbox; 0 when it is empty.
  package var newestOutboxEntry: Int64 = 0

  package init(end: Int64) { self.end = end }
}

/// How much of the log a page takes.
package struct ForwardPageLimits: Sendable {
  /// Bytes of segments that are kept; the segment that reaches it is the last.
  package var keptBytes: Int
  /// Bytes of segments that are looked through.
  package var scannedBytes: Int

  package init(keptBytes: Int, scannedBytes: Int) {
    self.keptBytes = keptBytes
    self.scannedBytes = scannedBytes
  }
}
