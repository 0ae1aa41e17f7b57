import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

@Suite struct `Changes of a transaction` {
  private static func tags(_ attempt: Int64, _ sequence: Int64? = nil) -> RetagCollection.Tags {
    RetagCollection.Tags(attempt: attempt, rule: .binding, sequence: sequence)
  }

  private static func change(_ span: Int64, _ before: RetagCollection.Tags, _ after: RetagCollection.Tags)
    -> RetagCollection.Change
  {
    RetagCollection.Change(
      span: SpanKey(trace: 1, spanID: span, variant: 0), traceID: TraceID(high: 1, low: 1), arrival: span,
      before: before, after: after)
  }

  /// Whether a collection wants the changes of spans 5 and 6, when 5 was stored before, and what it drops by that.
  private static func wanted(isFollowed: Bool) -> (wants: [Bool], dropped: Int64) {
    var collection = RetagCollection()
    collection.begin(lastArrival: 5, isFollowed: isFollowed)
    return ([5, 6].map { collection.wants(arrival: $0) }, collection.take().dropped)
  }

  @Test func `concern spans that were stored before it`() {
    #expect(Self.wanted(isFollowed: true) == ([true, false], 0))
  }

  @Test func `are lost when nobody follows`() {
    #expect(Self.wanted(isFollowed: false) == ([false, false], 1))
    var collection = RetagCollection()
    collection.begin(lastArrival: 5, isFollowed: false)
    // A span of the transaction is nobody's loss.
    _ = collection.wants(arrival: 6)
    let none = collection.take().dropped
    _ = collection.wants(arrival: 5)
    let dropped = [none, collection.take().dropped, collection.take().dropped]
    #expect(dropped == [0, 1, 0])
  }

  @Test func `count once a span, from the first state to the last`() {
    var collection = RetagCollection()
    collection.add(Self.change(1, Self.tags(1), Self.tags(2)))
    collection.add(Self.change(2, Self.tags(1), Self.tags(2)))
    collection.add(Self.change(3, Self.tags(1), Self.tags(2)))
    collection.add(Self.change(1, Self.tags(2), Self.tags(3)))
    collection.add(Self.change(2, Self.tags(2), Self.tags(1)))
    // It is back, with another number.
    collection.add(Self.change(3, Self.tags(2), Self.tags(1, 9)))
    let (changes, dropped) = collection.take()
    #expect(changes.map(\.span.spanID) == [1, 3])
    #expect(changes.map(\.before) == [Self.tags(1), Self.tags(1)])
    #expect(changes.map(\.after) == [Self.tags(3), Self.tags(1, 9)])
    #expect(dropped == 0)
    let rest = collection.take()
    #expect(rest.changes.isEmpty)
  }

  @Test func `are no more than subscribers can be shown`() {
    var collection = RetagCollection()
    let count = Int64(2 * RetagWatch.capacity + 7)
    for span in 1...count { collection.add(Self.change(span, Self.tags(1), Self.tags(2))) }
    var (changes, dropped) = collection.take()
    #expect(changes.map(\.span.spanID) == Array(count - 6...count))
    #expect(dropped == count - 7)
    collection.add(Self.change(1, Self.tags(1), Self.tags(2)))
    (changes, dropped) = collection.take()
    #expect((changes.count, dropped) == (1, 0))
  }
}
