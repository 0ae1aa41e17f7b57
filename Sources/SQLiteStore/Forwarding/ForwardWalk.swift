import SQLite
import TraceStore

/// Decides which spans of the segments that a walk meets are ahead of it, and how far it has come.
struct ForwardWalk {
  /// What is known of a segment before its bytes are read.
  struct Segment {
    var id: Int64
    var lastArrival: Int64
    /// When its spans arrived; `nil` when that makes no difference.
    var received: Int64?
    var rawSize: Int64

    init(_ row: borrowing Row) {
      id = row.int(at: 0)
      lastArrival = row.int(at: 1)
      received = row.int(at: 2)
      rawSize = row.int(at: 3)
    }

    init(id: Int64) { (self.id, lastArrival, received, rawSize) = (id, 0, nil, 0) }
  }

  /// Where the walk has come to: the last arrival of the segment before.
  private(set) var end: Int64
  private let position: ForwardPosition
  /// The only arrivals that are wanted, of a walk through segments in any order.
  private let range: ClosedRange<Int64>?
  /// Where arrivals without a gap begin to be counted; `nil` until the segments are in order.
  private var base: Int64?
  /// Spans behind `base` that were found.
  private var found: Int64 = 0

  init(_ position: ForwardPosition) {
    self.position = position
    end = position.cursor
    range = nil
    if position.isInOrder { base = position.cursor }
  }

  /// A walk through segments in any order, for a range of arrivals.
  init(_ range: ClosedRange<Int64>) {
    self.range = range
    position = ForwardPosition(cursor: 0, floor: 0, ordered: .max)
    end = 0
  }

  private func isInOrder(_ segment: Segment) -> Bool { segment.lastArrival > position.ordered }

  /// Whether a span of a segment is ahead.
  func isAhead(_ arrival: Int64, in segment: Segment) -> Bool {
    if let range { return range.contains(arrival) }
    return arrival > (isInOrder(segment) ? end : position.floor)
  }

  /// The cursor when a span of a segment is done and others of it may not be.
  ///
  /// A segment in no order is done as a whole.
  func progress(_ arrival: Int64, in segment: Segment, isLast: Bool) -> Int64 {
    if isInOrder(segment) { return arrival }
    return isLast ? segment.lastArrival : end
  }

  /// Begins a segment.
  mutating func begin(_ segment: Segment) {
    if base == nil, isInOrder(segment) { base = max(end, position.ordered) }
  }

  /// Counts a span that is there.
  mutating func count(_ arrival: Int64) {
    if let base, arrival > base { found += 1 }
  }

  /// The spans up to an arrival that are not there any more: arrival numbers have no gaps.
  func gone(before arrival: Int64) -> Int64 {
    base.map { max(0, arrival - $0 - found) } ?? 0
  }

  /// Ends a segment.
  mutating func finish(_ segment: Segment, _ page: inout ForwardPage) {
    end = max(end, segment.lastArrival)
    page.gone = gone(before: end)
  }

  /// Notes that nothing is left up to the last arrival.
  mutating func finish(at last: Int64, _ page: inout ForwardPage) {
    end = max(end, last)
    page.gone = gone(before: end)
  }
}
