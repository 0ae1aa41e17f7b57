/// Cuts the spans of a page into requests, and finds the ones that a target refuses.
///
/// Spans leave in their order, so that all before ``done`` are done. What is refused is halved until a single span is left.
package struct DeliveryPlan: Sendable {
  /// What spans cost in a request, in bytes.
  package struct Costs: Sendable {
    /// Of each span.
    package var spans: [Int] = []
    /// Of the resource and scope of each span.
    package var envelopes: [Int] = []
    /// Whether a span has another resource or scope than the one before.
    package var begins: [Bool] = []

    package init() {}
  }

  /// How large a request may be.
  package struct Limits: Sendable {
    package var spans: Int
    package var bytes: Int

    package init(spans: Int, bytes: Int) {
      self.spans = spans
      self.bytes = bytes
    }
  }

  private let costs: Costs
  /// Spans up to here are done.
  package private(set) var done = 0
  /// The ends of the parts that a refusal has made, the next one last.
  private var ends: [Int] = []

  package init(_ costs: Costs) { self.costs = costs }

  package var isFinished: Bool { done == costs.spans.count }

  /// The spans of the next request: as many as the limits allow, at least one.
  package func next(_ limits: Limits) -> Range<Int>? {
    guard !isFinished else { return nil }
    let bound = min(ends.last ?? costs.spans.count, done + max(1, limits.spans))
    var end = done + 1
    var bytes = costs.envelopes[done] + costs.spans[done]
    while end < bound {
      bytes += costs.spans[end] + (costs.begins[end] ? costs.envelopes[end] : 0)
      if bytes > limits.bytes { break }
      end += 1
    }
    return done..<end
  }

  /// Notes that a request is done: its spans were taken, or given up.
  package mutating func finish(_ range: Range<Int>) {
    precondition(range.lowerBound == done, "requests are done in their order")
    done = range.upperBound
    while let end = ends.last, end <= done { ends.removeLast() }
  }

  /// Halves a request that was refused.
  ///
  /// - Precondition: It has more than one span.
  package mutating func split(_ range: Range<Int>) {
    precondition(range.lowerBound == done && range.count > 1, "only what was sent can be halved")
    if ends.last != range.upperBound { ends.append(range.upperBound) }
    ends.append(range.lowerBound + range.count / 2)
  }
}
