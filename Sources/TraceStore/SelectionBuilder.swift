/// Collects the spans that match a query, and keeps no more of them than its page needs.
///
/// A page of a thousand spans must not cost memory for all the millions that match.
package struct SelectionBuilder {
  /// Rows beyond those that are kept before they are sorted out; large enough that sorting is rare.
  private static let slack = 4096

  private let query: SpanQuery
  /// How many of the first rows, in the query's order, can still be part of the page.
  private let keptCount: Int
  private var rows: [SpanRow] = []
  private var total = 0

  package init(_ query: SpanQuery) {
    self.query = query
    let (sum, overflow) = max(0, query.offset).addingReportingOverflow(query.limit.map { max(0, $0) } ?? .max)
    keptCount = overflow ? .max : sum
  }

  /// Takes a row of the right place, if it meets the conditions.
  package mutating func add(_ row: SpanRow) {
    guard query.accepts(row) else { return }
    total += 1
    rows.append(row)
    if rows.count - Self.slack >= keptCount && rows.count / 2 >= keptCount { keepFirst() }
  }

  private mutating func keepFirst() {
    query.sort(&rows)
    rows.removeLast(rows.count - keptCount)
  }

  /// The page, in order.
  package consuming func selection() -> SpanSelection {
    query.sort(&rows)
    let page = rows.dropFirst(max(0, query.offset)).prefix(query.limit.map { max(0, $0) } ?? .max)
    return SpanSelection(rows: page.count == rows.count ? rows : Array(page), total: total)
  }
}
