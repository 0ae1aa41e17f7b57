import TraceStore

/// A page, and what was made of it for its first request.
struct PreparedPage: Sendable {
  let page: ForwardPage
  let encoder: BatchEncoder
  let costs: DeliveryPlan.Costs
  /// The spans of the first request, and its body.
  let first: (range: Range<Int>, body: [UInt8])?

  /// Takes a while: not for an event loop.
  init(_ page: ForwardPage, _ target: ForwardTarget, _ limits: DeliveryPlan.Limits) {
    self.page = page
    encoder = BatchEncoder(page, addsRollout: target.addsRollout)
    costs = encoder.costs()
    let encoder = encoder
    first = DeliveryPlan(costs).next(limits).map { ($0, RequestBody.make(encoder.message($0), target)) }
  }

  /// The body of a request, if it is there.
  func body(_ range: Range<Int>) -> [UInt8]? { first?.range == range ? first?.body : nil }
}

/// The page behind one that is being sent, which is read meanwhile.
struct PageAhead {
  /// Where it begins.
  let cursor: Int64
  /// `nil` when it could not be read.
  let page: Task<PreparedPage?, Never>
}
