import Testing
import Transport

@Suite struct `Bytes of answers that are not sent yet` {
  @Test func `what answers hold is given back with their leases`() async {
    let budget = AnswerBudget(limit: 64 << 20)
    let allowance = AnswerAllowance(budget)
    do {
      let first = await allowance.lease()
      let second = await allowance.lease()
      first.hold(5)
      second.hold(7)
      first.hold(3)
      #expect(budget.usedBytes == 10)
      _ = (first, second)
    }
    #expect(budget.usedBytes == 0)
  }

  @Test func `a connection whose answers hold its share waits, others do not`() async {
    let budget = AnswerBudget(limit: 64 << 20)
    let allowance = AnswerAllowance(budget)
    let large = await allowance.lease()
    large.hold(8 << 20)
    #expect(large.isScarce)
    async let waiting = allowance.lease()
    let other = await AnswerAllowance(budget).lease()
    #expect(!other.isScarce && !other.isRefused)
    large.hold(1 << 20)
    _ = await waiting
    #expect(!large.isScarce)
  }

  @Test func `one answer of a connection never waits`() async {
    let budget = AnswerBudget(limit: 1 << 20)
    let lease = await AnswerAllowance(budget).lease()
    lease.hold(1 << 20)
    #expect(lease.isRefused)
    let other = await AnswerAllowance(budget).lease()
    #expect(other.isScarce)
  }
}
