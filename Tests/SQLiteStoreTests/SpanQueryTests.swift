import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Queries` {
  private static let spans = [
    TestSpan(trace: 2, 1).with { ($0.name, $0.start, $0.end) = ("beta", 300, 400) },
    TestSpan(trace: 1, 3).with { ($0.name, $0.start, $0.end, $0.parentID) = ("alpha", 100, 900, SpanID(value: 1)) },
    TestSpan(trace: 1, 2).with { ($0.name, $0.start, $0.end) = ("gamma", 0, 50) },
    TestSpan(trace: 3, 4).with { ($0.name, $0.start, $0.end, $0.parentID) = ("alpha", 1 << 63, 0, SpanID(value: 3)) },
  ]

  private func ids(_ change: (inout SpanQuery) -> Void) async throws -> [UInt64] {
    try await withNewStore { store async throws in
      _ = try await store.append(
        batch(Self.spans, tag: RolloutTag(rolloutID: "r", attemptID: "a", rule: .request)))
      var query = SpanQuery(.rollout("r", attempt: .any))
      change(&query)
      return try await store.rows(query).map(\.spanID.value)
    }
  }

  @Test(
    arguments: [
      (.arrival, [1, 3, 2, 4]), (.sequence, [1, 3, 2, 4]), (.startTime, [3, 1, 4, 2]), (.endTime, [2, 1, 3, 4]),
      (.duration, [1, 3, 2, 4]), (.name, [3, 4, 1, 2]), (.spanID, [1, 2, 3, 4]), (.parentID, [1, 2, 3, 4]),
      (.rolloutID, [1, 3, 2, 4]), (.attemptID, [1, 3, 2, 4]),
    ] as [(SpanQuery.SortKey, [UInt64])])
  func `spans are sorted, equal ones by arrival`(key: SpanQuery.SortKey, expected: [UInt64]) async throws {
    #expect(try await ids { $0.sortKey = key } == expected)
  }

  @Test func `a descending order keeps equal ones in the order of arrival`() async throws {
    let ids = try await ids { ($0.sortKey, $0.isDescending) = (.name, true) }
    #expect(ids == [2, 1, 3, 4])
  }

  @Test func `traces are sorted by all of their bytes`() async throws {
    let expected = Self.spans.sorted { $0.traceID.description < $1.traceID.description }.map(\.traceID)
    try await withNewStore { store async throws in
      _ = try await store.append(batch(Self.spans))
      var query = SpanQuery(.unassigned)
      query.sortKey = .traceID
      #expect(try await store.rows(query).map(\.traceID) == expected)
    }
  }

  @Test(
    arguments: [(0, 2, [1, 3]), (2, 2, [2, 4]), (3, 5, [4]), (4, 1, []), (99, 1, []), (0, 0, []), (-1, -1, [])]
      as [(Int, Int, [UInt64])])
  func `offset and limit cut a page`(offset: Int, limit: Int, expected: [UInt64]) async throws {
    #expect(try await ids { ($0.offset, $0.limit) = (offset, limit) } == expected)
  }

  @Test func `the total counts what matches, on every page`() async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch(Self.spans))
      var query = SpanQuery(.unassigned)
      query.conditions = [SpanQuery.Condition(.name, .equals, "alpha")]
      query.limit = 1
      let page = query
      let selection = try await store.read { session throws(StoreError) in try session.select(page) }
      #expect(selection.total == 2)
      #expect(selection.rows.count == 1)
    }
  }

  @Test(
    arguments: [
      (.init(.name, .equals, "alpha"), [3, 4]), (.init(.name, .contains, "a"), [1, 3, 2, 4]),
      (.init(.name, .contains, "A"), []), (.init(.name, .contains, ""), [1, 3, 2, 4]),
      (.init(.parentID, .equals, "0000000000000001"), [3]), (.init(.parentID, .contains, ""), [3, 4]),
      (.init(.spanID, .equals, "0000000000000002"), [2]), (.init(.spanID, .contains, "3"), [3]),
      (.init(.traceID, .equals, TestSpan.traceID(3).description), [4]),
    ] as [(SpanQuery.Condition, [UInt64])])
  func `a condition selects`(condition: SpanQuery.Condition, expected: [UInt64]) async throws {
    #expect(try await ids { $0.conditions = [condition] } == expected)
  }

  @Test(arguments: [(true, [3, 2, 4]), (false, [])] as [(Bool, [UInt64])])
  func `conditions are joined by or, or by and`(matchesAny: Bool, expected: [UInt64]) async throws {
    let ids = try await ids { query in
      query.conditions = [.init(.name, .equals, "alpha"), .init(.spanID, .equals, "0000000000000002")]
      query.matchesAny = matchesAny
    }
    #expect(ids == expected)
  }

  @Test(arguments: [(0, [1, 3, 2, 4]), (2, [2, 4]), (4, []), (.max, [])] as [(Int64, [UInt64])])
  func `only later arrivals are wanted`(after: Int64, expected: [UInt64]) async throws {
    #expect(try await ids { $0.after = after } == expected)
  }

  @Test func `rollouts are listed page by page, in the order of their first span`() async throws {
    try await withNewStore { store async throws in
      for number in (1...7).reversed() {
        let tag = RolloutTag(rolloutID: "r\(number)", attemptID: number % 2 == 0 ? "a" : nil, rule: .request)
        _ = try await store.append(batch([TestSpan(UInt64(number))], tag: tag))
      }
      var ids: [String] = []
      var last: Int64 = 0
      while true {
        let after = last
        let page = try await store.read { session throws(StoreError) in
          try session.rollouts(after: after, limit: 3, mostAttempts: .max)
        }
        guard let end = page.last else { break }
        last = end.position
        ids += page.map(\.id)
      }
      #expect(ids == ["r7", "r6", "r5", "r4", "r3", "r2", "r1"])
    }
  }

  @Test(arguments: [1, 2, 3, 6, 7, 8, .max])
  func `the newest attempts are told of a rollout, and what all of them have`(mostAttempts: Int) async throws {
    try await withNewStore { store async throws in
      for number in 1...7 {
        let tag = RolloutTag(rolloutID: "r", attemptID: "a\(number)", rule: .request)
        _ = try await store.append(batch([TestSpan(UInt64(number)), TestSpan(UInt64(10 + number))], tag: tag))
      }
      let all = try #require(try await store.rollouts().first)
      let some = try await store.read { session throws(StoreError) in
        try session.rollouts(after: 0, limit: 1, mostAttempts: mostAttempts)
      }
      let summary = try #require(some.first)
      #expect(summary.attempts.map(\.id) == (1...7).suffix(mostAttempts).map { "a\($0)" })
      #expect((summary.attemptCount, summary.spans) == (7, 14))
      #expect(summary.firstArrival == all.attempts.map(\.firstArrival).min())
      #expect(summary.lastArrival == all.attempts.map(\.lastArrival).max())
    }
  }

  @Test func `a query past its deadline is ended, and the next one works`() async throws {
    var options = SQLiteStoreOptions()
    options.queryDeadline = .zero
    try await withNewStore(options) { store async throws in
      _ = try await store.append(batch((1...20_000).map { TestSpan(UInt64($0)) }))
      let failure = await #expect(throws: StoreError.self) { try await store.spans(ofTrace: 1) }
      #expect(failure?.code == .deadline)
      #expect(try await store.totals().spans == 20_000)
    }
  }
}
