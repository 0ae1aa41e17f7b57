import Foundation
import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

/// Wants every span, and notes what it is shown.
private struct EverySpan: SpanFilter {
  var hits: [SpanHit] = []
  var limit = Int.max

  func canMatch(in bytes: Span<UInt8>) -> Bool { true }
  func enterResource(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool { true }
  func enterScope(_ bytes: Span<UInt8>, at range: Range<Int>) -> Bool { true }

  func match(_ bytes: Span<UInt8>, at range: Range<Int>) -> SpanIdentity? {
    // `TestSpan` writes both ids first.
    func number(_ start: Int) -> UInt64 { (0..<8).reduce(0) { $0 << 8 | UInt64(bytes[start + $1]) } }
    let start = range.lowerBound
    return SpanIdentity(
      traceID: TraceID(high: number(start + 2), low: number(start + 10)), spanID: SpanID(value: number(start + 20)))
  }

  mutating func take(_ hit: SpanHit) -> Bool {
    hits.append(hit)
    return hits.count < limit
  }
}

@Suite struct `Searches through the log` {
  private func scan(
    _ store: SQLiteStore, in starts: ClosedRange<UInt64> = 0...UInt64.max, step: Int = .max, limit: Int = .max
  ) async throws -> [SpanHit] {
    var state = (scan: LogScan(starts: starts), filter: EverySpan(limit: limit))
    while !state.scan.isFinished {
      let start = state
      state = try await store.read { session throws(StoreError) in
        var state = start
        try session.scan(&state.scan, upTo: step, &state.filter)
        return state
      }
    }
    return state.filter.hits
  }

  /// Spans that fill a segment of their own, in a trace of their own.
  private func segment(_ trace: UInt64, start: UInt64 = 1_000) throws -> SpanBatch {
    let filler = String(repeating: "x", count: 20 << 10)
    return try batch([
      TestSpan(trace: trace, trace).with {
        ($0.start, $0.end, $0.attributes) = (start, start, [("filler", .string(filler))])
      }
    ])
  }

  private func traces(_ numbers: Int...) -> [TraceID] { numbers.map { TestSpan.traceID(UInt64($0)) } }

  @Test(arguments: [1, 30 << 10, Int.max])
  func `the newest come first, in steps of any size, the open segment too`(step: Int) async throws {
    try await withNewStore { store async throws in
      for trace in 1...4 { _ = try await store.append(try segment(UInt64(trace))) }
      _ = try await store.append(try batch([TestSpan(trace: 5, 1), TestSpan(trace: 6, 1)]))
      _ = try await store.append(try batch([TestSpan(trace: 7, 1)]))
      #expect(try await scan(store, step: step).map(\.traceID) == traces(7, 6, 5, 4, 3, 2, 1))
      #expect(try await scan(store, step: step, limit: 3).map(\.traceID) == traces(7, 6, 5))
    }
  }

  @Test func `segments outside of the time are passed over, those of unknown times are not`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in
      for trace in 1...4 { _ = try await store.append(try segment(UInt64(trace), start: UInt64(trace) * 100)) }
      #expect(try await scan(store, in: 200...300).map(\.traceID) == traces(3, 2))
      #expect(try await scan(store, in: 201...299).isEmpty)
      #expect(try await scan(store, in: 400...UInt64.max).map(\.traceID) == traces(4))
    }
    let connection = try Connection(path: folder.database.path)
    try connection.execute("UPDATE segment_extents SET first_start = NULL, last_start = NULL WHERE segment = 1")
    try await folder.withStore { store async throws in
      #expect(try await scan(store, in: 400...500).map(\.traceID) == traces(4, 1))
    }
  }

  @Test func `spans that retention has deleted or is deleting are not found`() async throws {
    let folder = try TemporaryFolder()
    let tag = { (rollout: String) in RolloutTag(rolloutID: rollout, attemptID: "a", rule: .request) }
    try await folder.withStore { store async throws in
      for (trace, rollout) in ["kept", "dying", "gone"].enumerated() {
        _ = try await store.append(try batch([TestSpan(trace: UInt64(trace), 1)], tag: tag(rollout)))
      }
      #expect(try await scan(store).map(\.attempt.rolloutID) == ["gone", "dying", "kept"])
    }
    let connection = try Connection(path: folder.database.path)
    try connection.execute(
      """
      UPDATE attempts SET rollout = -rollout
        WHERE rollout = (SELECT id FROM rollouts WHERE rollout_id = 'dying');
      DELETE FROM spans WHERE attempt = (
        SELECT attempts.id FROM attempts JOIN rollouts ON rollouts.id = rollout WHERE rollout_id = 'gone');
      """)
    try await folder.withStore { store async throws in
      let hits = try await scan(store)
      #expect(hits.map(\.attempt.rolloutID) == ["kept"])
      #expect(hits.map(\.sequence) == [1])
    }
  }

  @Test func `a repeat is found once`() async throws {
    try await withNewStore { store async throws in
      for _ in 1...2 { _ = try await store.append(try batch([TestSpan(trace: 1, 1)])) }
      _ = try await store.append(try batch([TestSpan(trace: 1, 1), TestSpan(trace: 1, 2)]))
      #expect(try await scan(store).map(\.traceID) == traces(1, 1))
    }
  }
}

@Suite struct `Services and operations` {
  private let spans = [
    TestSpan(trace: 1, 1).with { ($0.name, $0.kind) = ("b", 2) },
    TestSpan(trace: 1, 2).with { ($0.name, $0.kind) = ("a", 3) },
    TestSpan(trace: 1, 3).with { ($0.name, $0.kind) = ("b", 1) },
    TestSpan(trace: 2, 4).with { ($0.name, $0.kind) = ("b", 2) },
    TestSpan(trace: 2, 5).with { ($0.name, $0.kind) = ("", 77) },
  ]

  private func expectOperations(_ store: SQLiteStore) async throws {
    let (services, named, unnamed, unknown) = try await store.read { session throws(StoreError) in
      (
        try session.services(), try session.operations(ofService: "s"), try session.operations(ofService: nil),
        try session.operations(ofService: "t")
      )
    }
    #expect(services.names == ["s"])
    #expect(services.hasUnnamed)
    let expected = [
      TraceStore.Operation(name: "", kind: 0), TraceStore.Operation(name: "a", kind: 3),
      TraceStore.Operation(name: "b", kind: 1),
      TraceStore.Operation(name: "b", kind: 2),
    ]
    #expect(named == expected)
    #expect(unnamed == [TraceStore.Operation(name: "b", kind: 2)])
    #expect(unknown == [])
  }

  @Test func `are listed once each, also after a restart`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in
      _ = try await store.append(try batch(spans, resource: [("service.name", .string("s"))]))
      _ = try await store.append(try batch([TestSpan(trace: 3, 1).with { ($0.name, $0.kind) = ("b", 2) }]))
      try await expectOperations(store)
    }
    try await folder.withStore { store async throws in
      _ = try await store.append(
        try batch(spans.map { span in span.with { $0.start = 7 } }, resource: [("service.name", .string("s"))]))
      try await expectOperations(store)
    }
  }

  @Test func `are found in the spans of a database of an older version`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in
      _ = try await store.append(try batch(spans, resource: [("service.name", .string("s"))]))
      _ = try await store.append(try batch([TestSpan(trace: 3, 1).with { ($0.name, $0.kind) = ("b", 2) }]))
    }
    let connection = try Connection(path: folder.database.path)
    try connection.execute("DROP TABLE operations;" + Schema.search)
    try await folder.withStore { store async throws in try await expectOperations(store) }
  }

  @Test func `names beyond those that have numbers are not listed, and are looked for all the same`() async throws {
    try await withNewStore { store async throws in
      let many = (1...UInt64(NameTable.capacity + 10)).map { number in
        TestSpan(trace: 1, number).with { $0.name = "n\(number)" }
      }
      _ = try await store.append(try batch(many, resource: [("service.name", .string("s"))]))
      let (count, found) = try await store.read { session throws(StoreError) in
        (
          try session.operations(ofService: "s").count,
          try session.canFind(services: ["s"], operation: "n\(NameTable.capacity + 5)")
        )
      }
      #expect(count == NameTable.capacity)
      #expect(found)
    }
  }

  @Test(
    arguments: [
      (["s"], "a", true), (["s"], "", true), (["s"], "c", false), (["t"], "a", false), (nil, "a", true),
      (nil, "c", false), ([nil], "b", true), ([nil], "a", false), (["t", nil], "b", true), (["s"], nil, true),
    ] as [([String?]?, String?, Bool)])
  func `tell when a search need not begin`(services: [String?]?, operation: String?, expected: Bool) async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(try batch(spans, resource: [("service.name", .string("s"))]))
      _ = try await store.append(try batch([TestSpan(trace: 3, 1).with { $0.name = "b" }]))
      let found = try await store.read { session throws(StoreError) in
        try session.canFind(services: services, operation: operation)
      }
      #expect(found == expected)
    }
  }
}

@Suite struct `Summaries of traces` {
  private func summary(_ spans: [TestSpan], and more: [TestSpan] = []) async throws -> TraceSummary? {
    try await withNewStore { store async throws in
      _ = try await store.append(try batch(spans, resource: [("service.name", .string("s"))]))
      if !more.isEmpty { _ = try await store.append(try batch(more)) }
      return try await store.read { session throws(StoreError) in try session.summary(of: TestSpan.traceID(1)) }
    }
  }

  private func span(
    _ id: UInt64, parent: UInt64 = 0, _ name: String, start: UInt64, end: UInt64 = 900, status: Int32 = 0
  )
    -> TestSpan
  {
    TestSpan(trace: 1, id).with {
      ($0.parentID, $0.name, $0.start, $0.end, $0.statusCode) = (SpanID(value: parent), name, start, end, status)
    }
  }

  @Test func `add up spans, errors and services, and name the earliest span that has no parent there`() async throws {
    let found = try #require(
      try await summary(
        [
          span(5, parent: 9, "below", start: 100), span(9, "root", start: 200, end: 950, status: 2),
          span(7, parent: 8, "orphan", start: 300),
        ],
        and: [span(6, parent: 5, "other", start: 150, status: 2)]))
    #expect((found.spans, found.errors, found.orphans) == (4, 2, 1))
    #expect((found.start, found.end) == (100, 950))
    #expect((found.rootService, found.rootOperation) == ("s", "root"))
    #expect(found.services.map(\.name) == ["s", nil])
    #expect(found.services.map(\.spans) == [3, 1])
    #expect(found.services.map(\.errors) == [1, 1])
  }

  @Test func `of cycles name the earliest span, and of nothing there are none`() async throws {
    let found = try await summary([span(1, parent: 2, "b", start: 20), span(2, parent: 1, "a", start: 10)])
    #expect(found?.rootOperation == "a")
    #expect(found?.orphans == 0)
    let none = try await withNewStore { store async throws in
      try await store.read { session throws(StoreError) in try session.summary(of: TestSpan.traceID(1)) }
    }
    #expect(none == nil)
  }
}
