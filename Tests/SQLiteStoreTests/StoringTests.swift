import OTLP
import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Storing and reading back` {
  @Test func `a span is read back byte for byte, with its resource`() async throws {
    let span = TestSpan(7).with {
      $0.parentID = SpanID(value: 6)
      $0.attributes = [("text", .string("value")), ("number", .int(-1))]
    }
    try await withNewStore { store async throws in
      #expect(
        try await store.append(batch([span], resource: [("service.name", .string("agent"))]))
          == AppendReceipt(stored: 1))
      let stored = try #require(try await store.spans(ofTrace: 1).first)
      #expect(stored.bytes == span.bytes)
      #expect(
        stored.resourceSpans
          == Array(exportRequest(resource: [("service.name", .string("agent"))], scopes: [[span]]).dropFirst(3)))
      #expect(stored.row.traceID == span.traceID && stored.row.spanID == span.spanID)
      #expect(stored.row.parentID == SpanID(value: 6))
      #expect(stored.row.name == "operation")
      #expect(stored.row.arrival == 1)
    }
  }

  @Test(
    arguments: [
      (0, 0), (1, UInt64.max), (.max, 0), (.max, .max), (1 << 63, (1 << 63) - 1), (2_000, 1_000), (0, 1 << 63),
    ] as [(UInt64, UInt64)])
  func `times of all 64 bits and ends before starts are kept`(start: UInt64, end: UInt64) async throws {
    try await withNewStore { store async throws in
      let span = TestSpan(1).with { ($0.start, $0.end) = (start, end) }
      _ = try await store.append(batch([span]))
      let stored = try #require(try await store.spans(ofTrace: 1).first)
      #expect(stored.row.startTime == start)
      #expect(stored.row.endTime == end)
      #expect(stored.bytes == span.bytes)
    }
  }

  @Test(arguments: [0, 5, 6, 99, -1, .max, .min] as [Int32])
  func `numbers outside of the enumerations are kept`(number: Int32) async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1).with { ($0.kind, $0.statusCode) = (number, number) }]))
      let row = try #require(try await store.spans(ofTrace: 1).first?.row)
      #expect(row.kind == number)
      #expect(row.statusCode == number)
    }
  }

  @Test(arguments: [1, 1 << 63, .max] as [UInt64])
  func `ids of all 64 bits are kept`(id: UInt64) async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(id).with { $0.parentID = SpanID(value: id) }]))
      let row = try #require(try await store.spans(ofTrace: 1).first?.row)
      #expect(row.spanID.value == id)
      #expect(row.parentID?.value == id)
    }
  }

  @Test(
    arguments: [
      "", "name", String(repeating: "n", count: 256), String(repeating: "n", count: 257),
      String(repeating: "é", count: 400), "a" + String(repeating: "😀", count: 64), "with\0zero", "e\u{301}",
    ])
  func `a name is read back as a whole, however long`(name: String) async throws {
    try await withNewStore { store async throws in
      _ = try await store.append(batch([TestSpan(1).with { $0.name = name }]))
      let stored = try #require(try await store.spans(ofTrace: 1).first)
      #expect(stored.row.name.utf8.elementsEqual(name.utf8))
      var query = SpanQuery(.trace(TestSpan.traceID(1)))
      query.conditions = [SpanQuery.Condition(.name, .equals, name)]
      #expect(try await store.rows(query).count == 1)
    }
  }

  @Test func `20,000 distinct names are kept, also after a restart`() async throws {
    let folder = try TemporaryFolder()
    let spans = (1...20_000).map { number in TestSpan(UInt64(number)).with { $0.name = "name \(number)" } }
    for part in [spans[..<15_000], spans[15_000...]] {
      try await folder.withStore { store async throws in _ = try await store.append(batch(Array(part))) }
    }
    try await folder.withStore { store async throws in
      let rows = try await store.rows(SpanQuery(.trace(TestSpan.traceID(1))))
      #expect(rows.count == spans.count)
      #expect(rows.allSatisfy { $0.name == "name \($0.spanID.value)" })
    }
  }

  @Test func `totals count spans, traces, rollouts and attempts`() async throws {
    try await withNewStore { store async throws in
      let tag = RolloutTag(rolloutID: "r", attemptID: "a", rule: .request)
      _ = try await store.append(batch([TestSpan(1), TestSpan(2)], tag: tag))
      _ = try await store.append(batch([TestSpan(trace: 2, 1), TestSpan(1)]))
      let totals = try await store.totals()
      #expect(totals.spans == 3)
      #expect(totals.duplicates == 1)
      #expect(totals.variants == 0)
      #expect(totals.traces == 2)
      #expect(totals.unassigned == 1)
      // Those that somebody has started; spans may name any.
      #expect(totals.rollouts == 0)
      #expect(totals.attempts == 0)
      _ = try await store.start(NewRollout(input: .null), worker: nil, once: nil)
      #expect(try await store.totals().rollouts == 1)
      #expect(try await store.totals().attempts == 1)
    }
  }
}
