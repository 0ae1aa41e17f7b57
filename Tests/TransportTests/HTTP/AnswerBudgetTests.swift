import Testing
import Threads

@testable import Transport

@Suite struct `Bytes of answers that are not sent yet` {
  @Test func `what answers hold is given back with their leases`() async throws {
    let budget = AnswerBudget(limit: 64 << 20)
    let allowance = AnswerAllowance(budget)
    do {
      let first = try #require(await allowance.lease())
      let second = try #require(await allowance.lease())
      first.hold(5)
      second.hold(7)
      first.hold(3)
      #expect(budget.usedBytes == 10)
      _ = (first, second)
    }
    #expect(budget.usedBytes == 0)
  }

  @Test func `a connection whose answers hold its share waits, others do not`() async throws {
    let budget = AnswerBudget(limit: 64 << 20)
    let allowance = AnswerAllowance(budget)
    let large = try #require(await allowance.lease())
    let small = try #require(await allowance.lease())
    large.hold(8 << 20)
    // Rendering ahead is for those beside it.
    #expect(small.isScarce && !large.isScarce)
    async let waiting = allowance.lease()
    let other = try #require(await AnswerAllowance(budget).lease())
    #expect(!other.isScarce && !other.isRefused)
    large.hold(1 << 20)
    #expect(await waiting != nil)
    #expect(!small.isScarce)
  }

  @Test func `one answer of a connection never waits, and nobody waits for itself`() async throws {
    let budget = AnswerBudget(limit: 1 << 20)
    let lease = try #require(await AnswerAllowance(budget).lease())
    lease.hold(1 << 20)
    #expect(!lease.isRefused && !lease.isScarce)
    let other = try #require(await AnswerAllowance(budget).lease())
    #expect(other.isScarce && other.isRefused)
  }

  @Test func `answers that wait begin in their order, as many as have room`() async throws {
    let allowance = AnswerAllowance(AnswerBudget(limit: 64 << 20))
    var large = await allowance.lease()
    large?.hold(8 << 20)
    let order = Locked([Int]())
    try await withThrowingTaskGroup { group in
      for number in 0..<4 {
        group.addTask {
          let lease = try #require(await allowance.lease(expecting: 3 << 20))
          order.withLock { $0.append(number) }
          return lease
        }
        while allowance.waitingCount <= number { await Task.yield() }
      }
      large = nil
      // Two have room beside each other; the others follow when these are given back.
      for try await lease in group { _ = lease }
    }
    #expect(Set(order.withLock { $0.prefix(2) }) == [0, 1])
    #expect(order.withLock { $0.count } == 4)
    #expect(large == nil)
  }

  @Test func `who is cancelled waits no more, and leaves its place to others`() async throws {
    let allowance = AnswerAllowance(AnswerBudget(limit: 64 << 20))
    let large = try #require(await allowance.lease())
    large.hold(8 << 20)
    for _ in 0..<20 {
      let waiting = Task { await allowance.lease() == nil }
      if Bool.random() { await Task.yield() }
      waiting.cancel()
      #expect(await waiting.value)
    }
    #expect(allowance.waitingCount == 0)
    async let next = allowance.lease()
    large.hold(0)
    #expect(await next != nil)
  }
}
