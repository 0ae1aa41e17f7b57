import Foundation
import SQLite
import Telemetry
import Testing
import Threads
import TraceStore

@testable import SQLiteStore

@Suite struct `Finding traces` {
  /// So small that a few hundred traces reach every level.
  private static var options: SQLiteStoreOptions {
    var options = SQLiteStoreOptions()
    options.traceIndex = TraceIndex.Capacities(memory: 16, levels: [64, 128], minimumStep: 8, searchesInVain: 10)
    options.durability = .process
    return options
  }

  private static func append(_ traces: ClosedRange<UInt64>, to store: SQLiteStore) async throws {
    let receipt = try await store.append(batch(traces.map { TestSpan(trace: $0, $0) }))
    #expect(receipt.stored == traces.count)
  }

  /// Every trace is found, and only once each.
  private static func check(_ traces: ClosedRange<UInt64>, in reader: some SpanReader) async throws {
    let found = try await reader.read { session throws(StoreError) in try Self.found(traces, session) }
    #expect(found == Array(traces))
  }

  /// Those of the traces that are found, each with its one span.
  private static func found(_ traces: ClosedRange<UInt64>, _ session: any ReadSession) throws(StoreError) -> [UInt64] {
    var found: [UInt64] = []
    for number in traces {
      let rows = try session.select(SpanQuery(.trace(TestSpan.traceID(number)))).rows
      if rows.map(\.spanID.value) == [number] { found.append(number) }
    }
    return found
  }

  @Test func `every trace is found at every moment, by readers, the writer and other processes`() async throws {
    let folder = try TemporaryFolder()
    var count: UInt64 = 0
    for (round, step) in [1, 3, 7, 20, 50].enumerated() {
      try await folder.withStore(Self.options) { store async throws in
        if count > 0 { try await Self.check(1...count, in: store) }
        let other = try ReaderPool(readingDatabaseAt: folder.database.path)
        defer { other.close() }
        for _ in 0..<40 {
          try await Self.append(count + 1...count + UInt64(step), to: store)
          count += UInt64(step)
          try await Self.check((count > 150 ? count - 150 : 1)...count, in: store)
        }
        try await Self.check(1...count, in: store)
        try await Self.check(1...count, in: other)
        // The writer knows them too: nothing is stored a second time.
        let again = try await store.append(batch((1...count).map { TestSpan(trace: $0, $0) }))
        #expect(again == AppendReceipt(duplicates: Int(count)), "round \(round)")
      }
    }
    let connection = try Connection(path: folder.database.path)
    #expect(try connection.integer("SELECT count(*) FROM traces") == Int64(count))
    #expect(try connection.integer("SELECT count(*) - count(DISTINCT trace) FROM trace_lookup") == 0)
    // What is in the last level has crossed the others.
    #expect(try #require(try connection.integer("SELECT count(*) FROM trace_lookup WHERE level = 3")) > 0)
  }

  @Test func `levels stay near their capacities`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(Self.options) { store async throws in
      for start in stride(from: UInt64(1), to: 4_000, by: 5) { try await Self.append(start...start + 4, to: store) }
    }
    let connection = try Connection(path: folder.database.path)
    #expect(try #require(try connection.integer("SELECT count(*) FROM trace_lookup WHERE level = 1")) < 3 * 64)
    #expect(try #require(try connection.integer("SELECT count(*) FROM trace_lookup WHERE level = 2")) < 3 * 128)
  }

  @Test func `a trace is found while traces are on their way, in a snapshot of any age`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(Self.options) { store async throws in
      try await Self.append(1...12, to: store)
      let (snapshots, snapshotTaken) = AsyncStream<Void>.makeStream()
      let haveTracesMoved = Monitor(false)
      async let found = store.read { session throws(StoreError) in
        // The snapshot begins with the first query.
        _ = try session.totals()
        snapshotTaken.finish()
        // This is a thread of the store, which may block.
        haveTracesMoved.wait(until: { $0 }, { _ in })
        return try Self.found(UInt64(1)...12, session)
      }
      for await _ in snapshots {}
      for start in stride(from: UInt64(100), to: 1_000, by: 20) { try await Self.append(start...start + 19, to: store) }
      haveTracesMoved.update { hasMoved in
        hasMoved = true
        return true
      }
      #expect(try await found == Array(1...12))
    }
  }

  @Test func `a trace that is not there is not found`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(Self.options) { store async throws in
      try await Self.append(1...100, to: store)
      #expect(try await store.spans(ofTrace: 101).isEmpty)
      #expect(try await store.rows(SpanQuery(.trace(TraceID(high: 0, low: 1)))).isEmpty)
    }
  }
}
