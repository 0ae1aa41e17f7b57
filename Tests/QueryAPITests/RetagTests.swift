import Telemetry
import Testing
import TraceStore
import Transport

@testable import QueryAPI

@Suite("Spans that were tagged anew", .timeLimit(.minutes(5)))
struct RetagTests {
  private static let trace = TraceID(high: 1, low: 2)

  private static func publish(_ store: FakeStore, _ spans: ClosedRange<UInt64>) {
    store.retags.publish(
      RetagBatch(
        spans.map { span in
          Retag(
            traceID: trace, spanID: SpanID(value: span), variant: 0, arrival: 7, before: .unassigned,
            after: RolloutTag(rolloutID: "r", attemptID: "a", rule: .binding), sequence: 3)
        }))
  }

  private static func text(_ number: Int) -> String {
    #"{"number":\#(number),"traceId":"\#(trace)","spanId":"\#(SpanID(value: UInt64(number)))","variant":0,"arrival":"7","#
      + #""rolloutId":"r","attemptId":"a","rule":"binding","sequence":3,"#
      + #""before":{"rolloutId":null,"attemptId":null,"rule":"none"}}"#
  }

  private static func body(_ numbers: [Int], next: String, lost: Bool = false) -> String {
    #"{"retags":[\#(numbers.map(text).joined(separator: ","))],"next":"\#(next)","lost":\#(lost)}"#
  }

  private static func cursor(_ number: Int) -> String { "000000000000002a-\(number)" }

  private static func get(_ store: FakeStore, _ query: String? = nil) async -> Answer {
    await ask(store, .get, "/api/v1/retags", query: query)
  }

  @Test("are listed after a cursor, in pages")
  func pages() async {
    let store = FakeStore()
    #expect(await Self.get(store).body == Self.body([], next: Self.cursor(0)))
    Self.publish(store, 1...3)
    #expect(await Self.get(store, "wait=60").body == Self.body([], next: Self.cursor(3)))
    #expect(
      await Self.get(store, "since=\(Self.cursor(0))&limit=2&wait=60").body == Self.body([1, 2], next: Self.cursor(2)))
    #expect(await Self.get(store, "since=\(Self.cursor(2))").body == Self.body([3], next: Self.cursor(3)))
    #expect(await Self.get(store, "since=\(Self.cursor(3))&wait=0").body == Self.body([], next: Self.cursor(3)))
  }

  @Test(
    "that are gone are said to be lost", arguments: ["000000000000002a-0", "000000000000002a-99", "0000000000000007-5"])
  func lost(cursor: String) async {
    let store = FakeStore()
    Self.publish(store, 1...9)
    let answer = await Self.get(store, "since=\(cursor)&wait=60")
    #expect(answer.body == Self.body([], next: Self.cursor(9), lost: true))
  }

  @Test("are waited for")
  func wait() async {
    let store = FakeStore()
    async let answer = Self.get(store, "since=\(Self.cursor(0))&wait=60")
    while store.retags.waits == 0 { await Task.yield() }
    Self.publish(store, 1...1)
    #expect(await answer.body == Self.body([1], next: Self.cursor(1)))
  }

  @Test("are waited for until the server stops")
  func close() async {
    let store = FakeStore()
    async let answer = Self.get(store, "since=\(Self.cursor(0))&wait=60")
    while store.retags.waits == 0 { await Task.yield() }
    store.retags.close()
    let closed = await answer
    #expect(closed.status == 503)
    #expect(closed.headers.first("retry-after") == "1")
  }
}
