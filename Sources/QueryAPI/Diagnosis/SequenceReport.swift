/// How the sequence numbers of a rollout lie; they count from 1, over all attempts.
package struct SequenceReport: Sendable, Equatable {
  /// Gaps that are listed.
  static let mostGaps = 10

  /// Spans that have a number.
  package var numbered = 0
  /// Spans that have none.
  package var unnumbered = 0
  package var first: Int64?
  package var last: Int64?
  /// Numbers between 1 and the last that no span has.
  package var missing: Int64 = 0
  /// The first runs of them.
  package var gaps: [ClosedRange<Int64>] = []

  package init(_ numbers: [Int64?]) {
    let sorted = numbers.compactMap { $0 }.sorted()
    numbered = sorted.count
    unnumbered = numbers.count - sorted.count
    first = sorted.first
    last = sorted.last
    var next: Int64 = 1
    for number in sorted where number >= next {
      if number > next { add(next...number - 1) }
      let (after, overflow) = number.addingReportingOverflow(1)
      if overflow { break }
      next = after
    }
  }

  private mutating func add(_ gap: ClosedRange<Int64>) {
    missing += gap.upperBound - gap.lowerBound + 1
    if gaps.count < Self.mostGaps { gaps.append(gap) }
  }
}
