import Telemetry
import Testing
import Threads
import TraceStore

@Suite("Changes of tags", .timeLimit(.minutes(5)))
struct RetagWatchTests {
  private static let epoch: UInt64 = 0xABC

  private static func retag(_ span: UInt64) -> Retag {
    Retag(
      traceID: TraceID(high: 1, low: 1), spanID: SpanID(value: span), variant: 0, arrival: Int64(span),
      before: .unassigned, after: RolloutTag(rolloutID: "r", rule: .binding), sequence: nil)
  }

  private static func batch(_ spans: ClosedRange<UInt64>, dropped: Int64 = 0) -> RetagBatch {
    RetagBatch(spans.map(retag), dropped: dropped)
  }

  private static func watch(capacity: Int = 4) -> RetagWatch { RetagWatch(capacity: capacity, epoch: epoch) }

  private static func cursor(_ number: Int64) -> RetagCursor { RetagCursor(epoch: epoch, number: number) }

  private static func spans(_ page: RetagWatch.Page) -> [UInt64] { page.retags.map(\.spanID.value) }

  /// Sleeps until the task is cancelled.
  private static let forever: @Sendable (Duration) async -> Void = { _ in try? await Task.sleep(for: .seconds(3600)) }

  private static let noSleep: @Sendable (Duration) async -> Void = { _ in Issue.record("nobody should sleep") }

  // MARK: Pages

  @Test("come in order, numbered from 1, and in pages")
  func order() {
    let watch = Self.watch()
    watch.publish(Self.batch(11...12))
    watch.publish(RetagBatch())
    watch.publish(Self.batch(13...13))
    let first = watch.page(after: Self.cursor(0), limit: 2)
    #expect(Self.spans(first) == [11, 12])
    #expect(first.retags.map(\.number) == [1, 2])
    #expect(first.next == Self.cursor(2) && !first.isLost)
    let second = watch.page(after: first.next, limit: 2)
    #expect(Self.spans(second) == [13] && second.next == Self.cursor(3))
    let third = watch.page(after: second.next, limit: 2)
    #expect(third.retags.isEmpty && third.next == Self.cursor(3) && !third.isLost)
  }

  @Test("without a cursor, begin now")
  func now() {
    let watch = Self.watch()
    #expect(watch.page(after: nil, limit: 1).next == Self.cursor(0))
    watch.publish(Self.batch(1...2))
    let page = watch.page(after: nil, limit: 1)
    #expect(page.retags.isEmpty && page.next == Self.cursor(2) && !page.isLost)
  }

  @Test("are kept as far as there is room")
  func wrapAround() {
    let watch = Self.watch(capacity: 4)
    for span in 1...11 as ClosedRange<UInt64> { watch.publish(Self.batch(span...span)) }
    #expect(Self.spans(watch.page(after: Self.cursor(7), limit: 10)) == [8, 9, 10, 11])
    #expect(watch.page(after: Self.cursor(7), limit: 10).retags.map(\.number) == [8, 9, 10, 11])
    #expect(Self.spans(watch.page(after: Self.cursor(9), limit: 1)) == [10])
    let lost = watch.page(after: Self.cursor(6), limit: 10)
    #expect(lost.isLost && lost.retags.isEmpty && lost.next == Self.cursor(11))
    // More at once than are kept.
    watch.publish(Self.batch(12...20))
    #expect(Self.spans(watch.page(after: Self.cursor(16), limit: 10)) == [17, 18, 19, 20])
    #expect(watch.page(after: Self.cursor(15), limit: 10).isLost)
  }

  @Test("of another run, or ahead of the newest, are lost")
  func foreignCursors() {
    let watch = Self.watch()
    watch.publish(Self.batch(1...2))
    for cursor in [RetagCursor(epoch: 7, number: 1), Self.cursor(3), Self.cursor(.max)] {
      let page = watch.page(after: cursor, limit: 1)
      #expect(page.isLost && page.retags.isEmpty && page.next == Self.cursor(2))
    }
  }

  @Test("that were dropped are lost, those after them are not")
  func dropped() {
    let watch = Self.watch()
    watch.publish(Self.batch(1...1))
    watch.publish(Self.batch(2...3, dropped: 5))
    #expect(watch.page(after: Self.cursor(1), limit: 9).isLost)
    #expect(watch.page(after: Self.cursor(1), limit: 9).next == Self.cursor(8))
    #expect(Self.spans(watch.page(after: Self.cursor(6), limit: 9)) == [2, 3])
  }

  @Test("of a transaction in doubt are lost when the doubt is over")
  func doubt() {
    let watch = Self.watch()
    watch.publish(Self.batch(1...1))
    watch.settleDoubt()
    watch.doubt()
    #expect(!watch.page(after: Self.cursor(1), limit: 9).isLost)
    watch.settleDoubt()
    watch.settleDoubt()
    let page = watch.page(after: Self.cursor(1), limit: 9)
    #expect(page.isLost && page.next == Self.cursor(2))
    watch.publish(Self.batch(2...2))
    #expect(Self.spans(watch.page(after: page.next, limit: 9)) == [2])
  }

  @Test("are followed once somebody has asked")
  func followed() {
    let watch = Self.watch()
    #expect(!watch.isFollowed)
    _ = watch.page(after: nil, limit: 1)
    #expect(watch.isFollowed)
  }

  // MARK: Cursors

  @Test("have cursors that can be read back")
  func cursorText() {
    #expect(Self.cursor(7).description == "0000000000000abc-7")
    for cursor in [Self.cursor(0), RetagCursor(epoch: .max, number: .max)] {
      #expect(RetagCursor(cursor.description) == cursor)
    }
  }

  @Test(
    "have cursors of one form",
    arguments: [
      "", "7", "-7", "0000000000000abc", "0000000000000abc-", "abc-7", "0000000000000ABC-7", "0000000000000abc-07",
      "0000000000000abc-+7", "0000000000000abc--7", "+000000000000abc-7", "0000000000000abc-7-", "000000000000000g-7",
      "0000000000000abc-9223372036854775808", "00000000000000abc-7",
    ]) func badCursor(text: String)
  { #expect(RetagCursor(text) == nil) }

  // MARK: Waiting

  @Test("wake all who wait for them")
  func wake() async {
    let watch = Self.watch()
    await withTaskGroup(of: [UInt64].self) { group in
      for _ in 0..<3 {
        group.addTask {
          Self.spans(
            await watch.page(
              after: Self.cursor(0), limit: 9, waitingAtMost: .seconds(60), sleep: Self.forever))
        }
      }
      while watch.waits < 3 { await Task.yield() }
      watch.publish(Self.batch(1...2))
      for await spans in group { #expect(spans == [1, 2]) }
    }
    #expect(watch.waits == 0)
  }

  @Test("are not waited for when there are some, or when some were lost")
  func noWait() async {
    let watch = Self.watch()
    func page(_ number: Int64, _ time: Duration) async -> RetagWatch.Page {
      await watch.page(after: Self.cursor(number), limit: 9, waitingAtMost: time, sleep: Self.noSleep)
    }
    #expect(await page(0, .zero).retags.isEmpty)
    #expect(await page(1, .seconds(60)).isLost)
    watch.publish(Self.batch(1...1))
    #expect(Self.spans(await page(0, .seconds(60))) == [1])
  }

  @Test("that do not come are waited for until the time is over")
  func timeout() async {
    let watch = Self.watch()
    let times = Locked<[Duration]>([])
    let page = await watch.page(after: Self.cursor(0), limit: 9, waitingAtMost: .seconds(60)) { time in
      times.withLock { $0.append(time) }
    }
    #expect(page.retags.isEmpty && page.next == Self.cursor(0) && !page.isLost)
    #expect(times.withLock { $0 } == [.seconds(60)])
    #expect(watch.waits == 0)
  }

  @Test("that come just before the wait are not missed")
  func noGap() async {
    let watch = Self.watch(capacity: 10_000)
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        for span in 1...1_000 as ClosedRange<UInt64> {
          watch.publish(Self.batch(span...span))
          await Task.yield()
        }
      }
      var next = Self.cursor(0)
      while next.number < 1_000 {
        let page = await watch.page(after: next, limit: 1, waitingAtMost: .seconds(60), sleep: Self.forever)
        #expect(page.retags.map(\.number) == [next.number + 1])
        next = page.next
      }
    }
  }

  @Test("are waited for no more by who goes away")
  func cancelled() async {
    let watch = Self.watch()
    let task = Task {
      await watch.page(after: Self.cursor(0), limit: 9, waitingAtMost: .seconds(60), sleep: Self.forever)
    }
    while watch.waits == 0 { await Task.yield() }
    task.cancel()
    #expect(await task.value.retags.isEmpty)
    #expect(watch.waits == 0)
  }

  @Test("are waited for no more when the server stops")
  func close() async {
    let watch = Self.watch()
    let task = Task {
      await watch.page(after: Self.cursor(0), limit: 9, waitingAtMost: .seconds(60), sleep: Self.forever)
    }
    while watch.waits == 0 { await Task.yield() }
    watch.close()
    #expect(await task.value.retags.isEmpty)
    #expect(watch.isClosed)
    let late = await watch.page(after: Self.cursor(0), limit: 9, waitingAtMost: .seconds(60), sleep: Self.noSleep)
    #expect(late.retags.isEmpty)
  }
}
