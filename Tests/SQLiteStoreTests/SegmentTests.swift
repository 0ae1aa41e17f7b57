import Compression
import Foundation
import SQLite
import SQLiteStore
import Telemetry
import Testing
import TraceStore

@Suite struct `Segments` {
  private static func large(_ number: Int) -> TestSpan {
    TestSpan(UInt64(number)).with {
      $0.name = "span \(number)"
      $0.attributes = [("text", .string(String(repeating: "\(number) ", count: 100)))]
    }
  }

  @Test func `a large request is cut, and each span is read back byte for byte`() async throws {
    let folder = try TemporaryFolder()
    let scopes = (0..<7).map { scope in (0..<150).map { Self.large(scope * 150 + $0 + 1) } }
    try await folder.withStore { store async throws in
      _ = try await store.append(batch(exportRequest(resource: [("service.name", .string("s"))], scopes: scopes)))
      let stored = try await store.spans(ofTrace: 1)
      #expect(stored.map(\.bytes) == scopes.flatMap { $0.map(\.bytes) })
      #expect(stored.map(\.row.name) == (1...1050).map { "span \($0)" })
    }
    #expect(try segmentCount(folder) > 3)
  }

  @Test func `small requests that wait together share a segment`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore { store async throws in
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in UInt64(1)...200 {
          group.addTask { _ = try await store.append(batch([TestSpan(trace: number, number)])) }
        }
        try await group.waitForAll()
      }
      for number in UInt64(1)...200 {
        #expect(try await store.spans(ofTrace: number).map(\.bytes) == [TestSpan(trace: number, number).bytes])
      }
    }
    #expect(try segmentCount(folder) < 200)
  }

  @Test func `single spans join the last segment, and readers that have seen less of it see the rest`() async throws {
    let folder = try TemporaryFolder()
    var options = SQLiteStoreOptions()
    // The clock stands still: a segment that has become old is not joined.
    options.now = { 1_000 }
    try await folder.withStore(options) { store async throws in
      for number in UInt64(1)...50 {
        _ = try await store.append(batch([TestSpan(trace: 1, number)]))
        // Read at once, so that every reader remembers the segment as it was.
        let stored = try await store.spans(ofTrace: 1)
        #expect(stored.map(\.bytes) == (1...number).map { TestSpan(trace: 1, $0).bytes })
        // A repeat leaves nothing that the next span could be joined to by mistake.
        if number % 10 == 0 {
          #expect(try await store.append(batch([TestSpan(trace: 1, number / 2)])).duplicates == 1)
        }
      }
    }
    #expect(try segmentCount(folder) == 0)
    try await folder.withStore(options) { store async throws in
      _ = try await store.append(batch([TestSpan(trace: 1, 51)]))
      #expect(try await store.spans(ofTrace: 1).map(\.bytes) == (1...51).map { TestSpan(trace: 1, $0).bytes })
    }
    // All in the one segment that is still open.
    let connection = try Connection(path: folder.database.path)
    #expect(try connection.integer("SELECT sum(spans) FROM segment_parts") == 51)
    #expect(try connection.integer("SELECT count(DISTINCT segment) FROM segment_parts") == 1)
  }

  @Test func `single spans become segments of a good size, also over restarts`() async throws {
    let folder = try TemporaryFolder()
    var options = SQLiteStoreOptions()
    options.now = { 1_000 }
    for round in 0..<4 {
      try await folder.withStore(options) { store async throws in
        for number in 1...150 {
          _ = try await store.append(batch([Self.large(round * 150 + number)]))
          // A repeat of a span of the open segment, and one of a segment in the log.
          if number % 20 == 0 {
            let repeated = [Self.large(round * 150 + number - 1), Self.large(1)]
            #expect(try await store.append(batch(repeated)).duplicates == 2)
          }
        }
        let stored = try await store.spans(ofTrace: 1)
        #expect(stored.map(\.bytes) == (1...(round + 1) * 150).map { Self.large($0).bytes })
        #expect(stored.map(\.row.arrival) == (1...Int64(round + 1) * 150).map { $0 })
        let totals = try await store.totals()
        #expect(totals.spans == Int64(round + 1) * 150)
        #expect(totals.duplicates == Int64(round + 1) * 14)
        #expect(totals.traces == 1)
      }
    }
    let connection = try Connection(path: folder.database.path)
    let inLog = try #require(try connection.integer("SELECT sum(live) FROM segments"))
    let inParts = try #require(try connection.integer("SELECT coalesce(sum(spans), 0) FROM segment_parts"))
    #expect(inLog + inParts == 600)
    #expect(try #require(try connection.integer("SELECT min(raw_size) FROM segments")) > 14_000)
    #expect(try connection.integer("SELECT count(*) FROM segments WHERE live != spans OR codec != 1") == 0)
    #expect(
      try connection.integer(
        "SELECT count(*) FROM segments AS a JOIN segments AS b ON b.id > a.id WHERE b.first_arrival <= a.last_arrival")
        == 0)
  }

  @Test func `a segment that has become old is not joined`() async throws {
    let folder = try TemporaryFolder()
    var options = SQLiteStoreOptions()
    let minutes = ManualTime()
    options.now = { minutes.next() * 61_000_000_000 }
    try await folder.withStore(options) { store async throws in
      for number in UInt64(1)...3 { _ = try await store.append(batch([TestSpan(trace: number, number)])) }
      for number in UInt64(1)...3 { #expect(try await store.spans(ofTrace: number).count == 1) }
    }
    #expect(try segmentCount(folder) == 2)
  }

  @Test func `segments that come compressed stand beside those that the writer compresses`() async throws {
    let folder = try TemporaryFolder()
    let compressor = try SegmentCompressor()
    try await folder.withStore { store async throws in
      for first in stride(from: 1, to: 1_000, by: 100) {
        var large = try batch((first..<first + 99).map(Self.large))
        var frame: [UInt8] = []
        let bytes = large.segments[0].bytes
        try compressor.compress(bytes.span, level: 1, into: &frame)
        large.segments[0].compressed = frame
        _ = try await store.append(large)
        _ = try await store.append(batch([Self.large(first + 99)]))
      }
      #expect(try await store.spans(ofTrace: 1).map(\.bytes) == (1...1_000).map { Self.large($0).bytes })
    }
  }

  @Test func `a damaged segment is reported, and the others can be read`() async throws {
    let folder = try TemporaryFolder()
    var options = SQLiteStoreOptions()
    // A day passes between the two, so that they do not share a segment.
    let days = ManualTime()
    options.now = { days.next() * 86_400_000_000_000 }
    try await folder.withStore(options) { store async throws in
      for number in UInt64(1)...2 { _ = try await store.append(batch([TestSpan(trace: number, number)])) }
    }
    try Connection(path: folder.database.path).execute(
      "UPDATE segments SET codec = 1, payload = x'28B52FFD00' WHERE id = 1")
    try await folder.withStore { store async throws in
      let error = await #expect(throws: StoreError.self) { try await store.spans(ofTrace: 1) }
      #expect(error?.code == .corrupt)
      #expect(try await store.spans(ofTrace: 2).count == 1)
    }
  }

  @Test func `a span larger than a segment has its own`() async throws {
    try await withNewStore { store async throws in
      let spans = (1...3).map { number in
        TestSpan(UInt64(number)).with {
          $0.attributes = [("text", .string(String(repeating: "\(number)", count: 300_000)))]
        }
      }
      _ = try await store.append(batch(spans))
      #expect(try await store.spans(ofTrace: 1).map(\.bytes) == spans.map(\.bytes))
    }
  }

  @Test(arguments: [1, 20, 2_000])
  func `a large resource is not repeated for every few spans`(spansPerScope: Int) throws {
    let resource: [(String, TestSpan.Value)] = [("text", .string(String(repeating: "x", count: 200_000)))]
    let spans = (1...2_000).map { TestSpan(UInt64($0)) }
    let scopes = stride(from: 0, to: spans.count, by: spansPerScope).map {
      Array(spans[$0..<min($0 + spansPerScope, spans.count)])
    }
    let request = exportRequest(resource: resource, scopes: scopes)
    let segments = try batch(request).segments
    #expect(segments.flatMap(\.spans) == Array(0..<spans.count))
    #expect(segments.reduce(0) { $0 + $1.bytes.count } < 2 * request.count)
  }

  // Looking at the scopes anew for each of them would take 500 million steps.
  @Test(.timeLimit(.minutes(5))) func `a request of many scopes is stored and read in linear time`() async throws {
    try await withNewStore { store async throws in
      let scopes = (1...10_000).map { [TestSpan(UInt64($0))] }
      let resource: [(String, TestSpan.Value)] = [("text", .string(String(repeating: "x", count: 1 << 20)))]
      _ = try await store.append(batch(exportRequest(resource: resource, scopes: scopes)))
      #expect(try await store.spans(ofTrace: 1).count == 10_000)
    }
  }

  @Test func `spans are shown in any order`() async throws {
    try await withNewStore { store async throws in
      let spans = (1...1_000).map(Self.large)
      _ = try await store.append(batch(spans))
      var query = SpanQuery(.trace(TestSpan.traceID(1)))
      query.isDescending = true
      #expect(try await store.spans(query).map(\.bytes) == spans.reversed().map(\.bytes))
    }
  }

  private func segmentCount(_ folder: TemporaryFolder) throws -> Int64 {
    try #require(try Connection(path: folder.database.path).integer("SELECT count(*) FROM segments"))
  }
}
