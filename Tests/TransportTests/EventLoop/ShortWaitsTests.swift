import Testing
import Threads

@Suite struct ShortWaitsTests {
  private let limit: UInt64 = 120_000

  /// A loop whose work comes after waits of these lengths, in nanoseconds.
  ///
  /// - Returns: For each wait, how long the loop stays awake in it.
  private func timesAwake(_ waits: [UInt64]) -> [UInt64] {
    var shortWaits = ShortWaits(limit: .nanoseconds(limit))
    var now: UInt64 = 1_000_000_000
    return waits.map { wait in
      let start = now
      var awake: UInt64 = 0
      while now < start + wait, shortWaits.staysAwake(now: now) {
        now += 1_000
        awake = now - start
      }
      // Asleep: the next look is that of the work.
      now = start + wait
      shortWaits.workCame(now: now)
      // What is done meanwhile is no wait.
      now += 5_000_000
      return awake
    }
  }

  @Test func `a loop sleeps until waits have been short`() {
    #expect(timesAwake([50_000, 50_000, 50_000, 50_000, 50_000]) == [0, 0, 0, 0, 50_000])
  }

  @Test func `it stays awake no longer than the limit`() {
    let times = timesAwake([UInt64](repeating: 50_000, count: 8) + [10_000_000])
    #expect(times.last == limit)
  }

  @Test func `long waits let it sleep again`() {
    let short = [UInt64](repeating: 50_000, count: 20)
    let times = timesAwake(short + [10_000_000, 10_000_000, 10_000_000, 10_000_000])
    #expect(times.suffix(4) == [limit, limit, limit, 0])
  }

  @Test func `waits of which every other is long let it sleep`() {
    let waits = (0..<40).map { $0.isMultiple(of: 2) ? 50_000 : 300_000 as UInt64 }
    #expect(timesAwake(waits).allSatisfy { $0 == 0 })
  }
}
