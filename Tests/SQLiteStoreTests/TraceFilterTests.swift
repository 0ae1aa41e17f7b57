import SeededRandom
import Testing

@testable import SQLiteStore

@Suite struct `The filter of traces` {
  @Test(arguments: [1_000, 100_000, 400_000])
  func `every hash that was entered may be there, and few others`(count: Int) {
    var random = SplitMix64(seed: UInt64(count))
    var filter = BloomFilter(maximumCount: 1 << 20)
    let entered = (0..<count).map { _ in random.next() }
    for hash in entered { filter.insert(hash) }
    #expect(entered.allSatisfy { filter.mayContain($0) })
    let wrong = (0..<10_000).count { _ in filter.mayContain(random.next()) }
    #expect(wrong < 1_000)
  }

  @Test func `a filter that is full answers more often that a hash may be there`() {
    var random = SplitMix64(seed: 1)
    var filter = BloomFilter(maximumCount: 1)
    let entered = (0..<500_000).map { _ in random.next() }
    for hash in entered { filter.insert(hash) }
    #expect(entered.allSatisfy { filter.mayContain($0) })
    #expect((0..<1_000).count { _ in filter.mayContain(random.next()) } > 100)
  }

  @Test func `a new table has nothing but what is entered`() {
    let filter = TraceFilter(patience: 2)
    filter.start(entries: 0)
    filter.insert([1, 2])
    #expect(filter.mayContain(1))
    #expect(!filter.mayContain(3))
    #expect(!filter.waitForWish())
  }

  @Test func `a table that was there is read after some searches in vain, and not before`() {
    let filter = TraceFilter(patience: 2)
    filter.start(entries: 10)
    // What comes meanwhile is entered too: it may be committed before the reading begins.
    filter.insert([1])
    filter.didSearchInVain()
    filter.didSearchInVain()
    #expect(filter.waitForWish())
    #expect(filter.mayContain(3))
    filter.insert([2])
    filter.didLoad(everything: true)
    #expect(filter.mayContain(1) && filter.mayContain(2))
    #expect(!filter.mayContain(3))
  }

  @Test func `a reading that fails leaves every answer open`() {
    let filter = TraceFilter(patience: 1)
    filter.start(entries: 10)
    filter.didSearchInVain()
    #expect(filter.waitForWish())
    filter.didLoad(everything: false)
    #expect(filter.mayContain(3))
  }

  @Test func `stopping ends the waiting and the reading`() {
    let filter = TraceFilter(patience: 1)
    filter.start(entries: 10)
    filter.didSearchInVain()
    #expect(filter.waitForWish())
    #expect(filter.isLoading)
    filter.stop()
    #expect(!filter.isLoading)
    #expect(!filter.waitForWish())
  }
}
