import Foundation
import SQLite
import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Forwarding` {
  private static var options: SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    options.forwards = true
    return options
  }

  /// One page: with these limits at most one segment.
  private static func page(
    _ store: SQLiteStore, _ position: ForwardPosition, forwarder: Int64 = 0, scannedBytes: Int = 1 << 20,
    isWanted: @escaping @Sendable (ForwardSpan) -> Bool = { _ in true }
  ) async throws -> ForwardPage {
    try await store.readLog { session throws(StoreError) in
      try session.page(
        after: position, ForwardPageLimits(keptBytes: 1, scannedBytes: scannedBytes), forwarder: forwarder,
        isWanted: isWanted)
    }
  }

  /// All arrivals behind a position, by stopping behind every `stride`th span and reading anew from there.
  private static func walk(_ store: SQLiteStore, _ start: ForwardPosition, stride: Int = .max) async throws
    -> (arrivals: [Int64], gone: Int64)
  {
    var position = start
    var (arrivals, gone) = ([Int64](), Int64(0))
    while true {
      let page = try await page(store, position)
      let count = min(stride, page.spans.count)
      // A segment in no order is done as a whole: what is before its end is read again.
      let isWhole = count == page.spans.count || page.spans[count - 1].progress == position.cursor
      arrivals += page.spans.prefix(isWhole ? page.spans.count : count).map(\.arrival)
      gone += isWhole ? page.gone : page.spans[count - 1].goneBefore
      let next = isWhole ? page.end : page.spans[count - 1].progress
      if next == position.cursor { return (arrivals, gone) }
      position.cursor = next
    }
  }

  private static let oldest = NewForwarder(name: "t", startsAtOldest: true, resendsRetagged: false)

  /// Stores requests that share segments, and some that are cut: 700 spans with repeats among them.
  private static func fill(_ store: SQLiteStore, rounds: Int = 7) async throws {
    for round in 0..<UInt64(rounds) {
      let large = (0..<80).map { number in
        TestSpan(trace: round, 1000 + number).with {
          $0.attributes = [("text", .string(String(repeating: "\(number)", count: 1_000)))]
        }
      }
      _ = try await store.append(batch(large))
      for number in UInt64(0)..<20 {
        _ = try await store.append(batch([TestSpan(trace: 100 + round, number + 1)]))
        // A repeat takes no number.
        if number % 5 == 0 { _ = try await store.append(batch([TestSpan(trace: 100 + round, number + 1)])) }
      }
    }
  }

  @Test(arguments: [1, 3, 50, Int.max])
  func `a walk meets every span once and in order, wherever it stops between`(stride: Int) async throws {
    try await TemporaryFolder().withStore(Self.options) { store async throws in
      try await Self.fill(store)
      let record = try #require(try await store.activate([Self.oldest]).first)
      var ordered = record.position
      // As if it had been active from the beginning.
      ordered.ordered = 0
      for position in [record.position, ordered] {
        let walk = try await Self.walk(store, position, stride: stride)
        #expect(walk.arrivals == Array(1...700) && walk.gone == 0)
      }
      #expect(store.arrivals.value == 700)
    }
  }

  @Test func `what a filter takes out is counted, and the cursor goes on`() async throws {
    try await TemporaryFolder().withStore(Self.options) { store async throws in
      try await Self.fill(store, rounds: 1)
      let start = ForwardPosition(cursor: 0, floor: 0, ordered: 0)
      let page = try await Self.page(store, start) { $0.arrival == 90 }
      #expect(page.spans.map(\.arrival) == [90] && page.spans[0].filteredBefore == 89)
      let none = try await Self.page(store, start) { _ in false }
      #expect(none.spans.isEmpty && none.filtered == 100 && none.end == 100 && none.segments.isEmpty)
    }
  }

  @Test func `spans that are gone are passed over and counted, so are those of an attempt that is being deleted`()
    async throws
  {
    let folder = try TemporaryFolder()
    try await folder.withStore(Self.options) { store async throws in
      try await Self.fill(store, rounds: 2)
      _ = try await store.append(
        batch([TestSpan(trace: 500, 1), TestSpan(trace: 500, 2)], tag: RolloutTag(rolloutID: "ro", rule: .request)))
    }
    try Connection(path: folder.database.path).execute(
      """
      DELETE FROM spans WHERE arrival BETWEEN 30 AND 39 OR arrival = 150;
      UPDATE attempts SET rollout = -rollout WHERE rollout > 0;
      """)
    try await folder.withStore(Self.options) { store async throws in
      let walk = try await Self.walk(store, ForwardPosition(cursor: 0, floor: 0, ordered: 0), stride: 7)
      #expect(walk.arrivals == (1...200).filter { !(30...39).contains($0) && $0 != 150 })
      #expect(walk.gone == 13)
      #expect(try await Self.walk(store, ForwardPosition(cursor: 34, floor: 34, ordered: 34)).gone == 8)
    }
  }

  @Test func `a target that comes back meets what was rewritten meanwhile, and nothing that it has had`() async throws {
    let folder = try TemporaryFolder()
    let id = try await folder.withStore(Self.options) { store async throws in
      try await Self.fill(store, rounds: 2)
      let record = try #require(try await store.activate([Self.oldest]).first)
      try await store.advance(record.id, ForwardStep(cursor: 60, counts: ForwardCounts()))
      #expect(try await store.activate([]).map(\.isActive) == [false])
      return record.id
    }
    try Self.rewrite(folder)
    try await folder.withStore(Self.options) { store async throws in
      for number in UInt64(1)...5 { _ = try await store.append(batch([TestSpan(trace: 900, number)])) }
      let back = try #require(try await store.activate([Self.oldest]).first)
      #expect(back.id == id && back.position == ForwardPosition(cursor: 60, floor: 60, ordered: 205))
      for number in UInt64(6)...9 { _ = try await store.append(batch([TestSpan(trace: 900, number)])) }
      let walk = try await Self.walk(store, back.position, stride: 3)
      #expect(walk.arrivals.sorted() == Array(61...209))
      // The same target, not new: its place stays when the server starts again.
      #expect(try await store.activate([Self.oldest]).first?.position == back.position)
    }
  }

  /// Exchanges spans of two segments, so that their arrivals overlap, as they do when retention has rewritten them.
  private static func rewrite(_ folder: TemporaryFolder) throws {
    let connection = try Connection(path: folder.database.path)
    try connection.execute(
      """
      UPDATE spans SET arrival = 150 - arrival WHERE arrival IN (30, 120) OR arrival BETWEEN 70 AND 80;
      INSERT INTO segments SELECT 1000 + id, first_arrival, last_arrival, received, spans, live, raw_size, codec, payload
        FROM segments WHERE id = (SELECT min(id) FROM segments);
      UPDATE spans SET segment = 1000 + segment WHERE segment = (SELECT min(id) FROM segments);
      DELETE FROM segment_extents WHERE segment = (SELECT min(id) FROM segments);
      DELETE FROM segments WHERE id = (SELECT min(id) FROM segments);
      INSERT INTO segment_extents SELECT id, 0, received, NULL, NULL, spans, 0, 0 FROM segments WHERE id > 1000;
      UPDATE segment_extents SET last_arrival =
        (SELECT max(arrival) FROM spans WHERE spans.segment = segment_extents.segment);
      """)
  }

  @Test func `retagged spans are noted for those who want them, and stay when they change while they are sent`()
    async throws
  {
    let resending = NewForwarder(name: "t", startsAtOldest: true, resendsRetagged: true)
    try await TemporaryFolder().withStore(Self.options) { store async throws in
      let id = try #require(try await store.activate([resending]).first).id
      _ = try await store.append(batch([TestSpan(trace: 1, 1), TestSpan(trace: 1, 2), TestSpan(trace: 2, 3)]))
      func outbox(_ cursor: Int64) async throws -> ForwardPage {
        try await store.readLog { session throws(StoreError) in
          try session.outbox(of: id, upTo: cursor, limit: 100) { _ in true }
        }
      }
      #expect(try await outbox(.max).spans.isEmpty)
      let start = ForwardPosition(cursor: 0, floor: 0, ordered: 0)
      _ = try await store.bind(NewBinding(traceID: TestSpan.traceID(1), spanID: nil, rolloutID: "ro", attemptID: nil))
      // Spans behind the cursor will be sent anyway.
      #expect(try await outbox(0).spans.isEmpty)
      #expect(try await outbox(1).spans.map(\.arrival) == [1])
      // A page that was read now says what the outbox says.
      let page = try await Self.page(store, start, forwarder: id)
      #expect(page.spans.map(\.attempt.rolloutID) == ["ro", "ro", nil] && page.newestOutboxEntry > 0)
      // Meanwhile one changes once more.
      _ = try await store.bind(NewBinding(traceID: TestSpan.traceID(2), spanID: nil, rolloutID: "ro-2", attemptID: nil))
      try await store.advance(
        id,
        ForwardStep(
          cursor: 3, counts: ForwardCounts(), outbox: .reflected(upTo: page.newestOutboxEntry, after: 0)))
      let left = try await outbox(3)
      #expect(left.spans.map(\.arrival) == [3] && left.spans[0].attempt.rolloutID == "ro-2")
      try await store.advance(id, ForwardStep(cursor: 3, counts: ForwardCounts(), outbox: .sent(upTo: left.end)))
      #expect(try await outbox(3).spans.isEmpty)
      // Who does not want them any more has none.
      _ = try await store.activate([Self.oldest])
      _ = try await store.bind(NewBinding(traceID: TestSpan.traceID(1), spanID: nil, rolloutID: "x", attemptID: nil))
      #expect(try await outbox(.max).spans.isEmpty)
    }
  }

  @Test func `counts add up, and outlive a restart`() async throws {
    let folder = try TemporaryFolder()
    var counts = ForwardCounts()
    (counts.sent, counts.refused, counts.filtered, counts.gone, counts.resent) = (1, 2, 3, 4, 5)
    try await folder.withStore(Self.options) { [counts] store async throws in
      let record = try #require(try await store.activate([Self.oldest]).first)
      try await store.advance(record.id, ForwardStep(cursor: 7, counts: counts))
      try await store.advance(record.id, ForwardStep(cursor: 8, counts: counts))
    }
    let record = try await folder.withStore(Self.options) { store async throws in
      try #require(try await store.activate([Self.oldest]).first)
    }
    #expect(record.counts.sent == 2 && record.counts.resent == 10 && record.position.cursor == 8)
  }

  @Test func `a damaged segment is passed over and named`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(Self.options) { store async throws in try await Self.fill(store, rounds: 1) }
    try Connection(path: folder.database.path).execute(
      "UPDATE segments SET payload = CAST(substr(payload, 1, length(payload) - 9) || zeroblob(9) AS BLOB) WHERE codec = 1 AND id = (SELECT min(id) FROM segments)"
    )
    try await folder.withStore(Self.options) { store async throws in
      let page = try await Self.page(store, ForwardPosition(cursor: 0, floor: 0, ordered: 0))
      #expect(page.damagedSegments.count == 1 && page.gone > 0 && page.gone + Int64(page.spans.count) == page.end)
    }
  }
}
