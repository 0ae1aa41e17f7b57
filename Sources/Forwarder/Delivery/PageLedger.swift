import TraceStore

/// Counts what becomes of the spans of a page, and says what is to be kept of that.
struct PageLedger {
  /// Where the spans come from.
  enum Origin {
    /// What is behind a position of the log.
    case log(after: ForwardPosition)
    /// Spans that were tagged anew.
    case outbox(cursor: Int64)
  }

  private let page: ForwardPage
  private let origin: Origin
  private var counts = ForwardCounts()
  /// How many of those that are not in the page were counted.
  private var filtered: Int64 = 0
  private var gone: Int64 = 0
  private var cursor: Int64

  init(_ page: ForwardPage, _ origin: Origin) {
    self.page = page
    self.origin = origin
    cursor =
      switch origin {
      case .log(let position): position.cursor
      case .outbox(let cursor): cursor
      }
  }

  /// Counts spans of a request that the target has taken.
  mutating func sent(_ count: Int, rejected: Int64) {
    switch origin {
    case .log: counts.sent += Int64(count) - rejected
    case .outbox: counts.resent += Int64(count) - rejected
    }
    counts.refused += rejected
  }

  /// Counts a span that was given up.
  mutating func refused() { counts.refused += 1 }

  /// What is to be kept when so many spans are done.
  mutating func step(done: Int) -> ForwardStep {
    defer { counts = ForwardCounts() }
    let isAll = done == page.spans.count
    let progress = isAll ? page.end : page.spans[done - 1].progress
    guard case .log(let position) = origin else {
      return ForwardStep(cursor: cursor, counts: counts, outbox: .sent(upTo: progress))
    }
    let (filtered, gone) =
      isAll ? (page.filtered, page.gone) : (page.spans[done - 1].filteredBefore, page.spans[done - 1].goneBefore)
    counts.filtered += filtered - self.filtered
    counts.gone += gone - self.gone
    (self.filtered, self.gone) = (filtered, gone)
    defer { cursor = progress }
    var step = ForwardStep(cursor: progress, counts: counts)
    if position.isInOrder, page.newestOutboxEntry > 0 {
      step.outbox = .reflected(upTo: page.newestOutboxEntry, after: cursor)
    }
    return step
  }
}
