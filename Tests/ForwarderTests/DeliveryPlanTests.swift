import Testing

@testable import Forwarder

@Suite struct `Delivery plan` {
  private static func costs(_ count: Int, span: Int = 10, envelope: Int = 100, scopeOf: Int = .max)
    -> DeliveryPlan.Costs
  {
    var costs = DeliveryPlan.Costs()
    costs.spans = Array(repeating: span, count: count)
    costs.envelopes = Array(repeating: envelope, count: count)
    costs.begins = (0..<count).map { $0 % scopeOf == 0 }
    return costs
  }

  private static let wide = DeliveryPlan.Limits(spans: 1_000_000, bytes: 1 << 30)

  @Test func `requests are cut by spans`() {
    var plan = DeliveryPlan(Self.costs(10))
    var ranges: [Range<Int>] = []
    while let range = plan.next(.init(spans: 4, bytes: 1 << 30)) {
      ranges.append(range)
      plan.finish(range)
    }
    #expect(ranges == [0..<4, 4..<8, 8..<10] && plan.isFinished)
  }

  @Test func `requests are cut by bytes, and count the resource and scope that each of them repeats`() {
    var plan = DeliveryPlan(Self.costs(10, scopeOf: 3))
    // 100 + 3 * 10 for the first scope, and as much for the next.
    #expect(plan.next(.init(spans: 100, bytes: 259)) == 0..<5)
    #expect(plan.next(.init(spans: 100, bytes: 260)) == 0..<6)
    plan.finish(0..<5)
    #expect(plan.next(.init(spans: 100, bytes: 229)) == 5..<7)
  }

  @Test func `a span that is too large goes alone`() {
    let plan = DeliveryPlan(Self.costs(3, span: 1 << 20))
    #expect(plan.next(.init(spans: 100, bytes: 1000)) == 0..<1)
  }

  @Test(arguments: [[], [0], [7], [15], [0, 1], [3, 4, 12], Array(0..<16)])
  func `halving finds exactly the spans that are refused`(bad: [Int]) {
    var plan = DeliveryPlan(Self.costs(16))
    var (taken, given, requests) = ([Int](), [Int](), 0)
    while let range = plan.next(Self.wide) {
      requests += 1
      if !range.contains(where: bad.contains) {
        taken += range
        plan.finish(range)
      } else if range.count > 1 {
        plan.split(range)
      } else {
        given += range
        plan.finish(range)
      }
    }
    #expect(given == bad && taken == (0..<16).filter { !bad.contains($0) } && plan.isFinished)
    #expect(requests <= 1 + 2 * 4 * max(1, bad.count))
  }

  @Test func `limits that shrink while a request is halved change nothing of the order`() {
    var plan = DeliveryPlan(Self.costs(16))
    plan.split(0..<16)
    plan.split(0..<8)
    var ranges: [Range<Int>] = []
    while let range = plan.next(.init(spans: 3, bytes: 1 << 30)) {
      ranges.append(range)
      plan.finish(range)
    }
    #expect(ranges == [0..<3, 3..<4, 4..<7, 7..<8, 8..<11, 11..<14, 14..<16])
  }
}
