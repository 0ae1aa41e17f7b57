import Foundation
import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

/// Answers that are read in several pieces, between which the store changes.
@Suite struct `Retention and long answers` {
  private let time = SetTime()

  private static func tag(_ rollout: String) -> RolloutTag { RolloutTag(rolloutID: rollout, attemptID: "a") }

  /// Spans of which few make up a piece of an answer.
  private static func spans(_ trace: UInt64) -> [TestSpan] {
    (1...40).map { id in
      TestSpan(trace: trace, id).with { $0.attributes = [("text", .string(String(repeating: "t", count: 20_000)))] }
    }
  }

  @Test func `spans that are moved between two pieces are found again`() async throws {
    let policy = RetentionPolicy { $0.packAfter = .seconds(600) }
    try await withNewStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      for span in Self.spans(1) { _ = try await store.append(batch([span], tag: Self.tag("r"))) }
      let query = SpanQuery(.rollout("r", attempt: .any))
      var pieces = try await store.read { session throws(StoreError) in
        SpanPieces(try session.select(query).rows, of: query, SizeRenderer())
      }
      var count = try await store.next(&pieces)
      #expect(count < 40 && !pieces.isFinished)
      time.pass(601_000_000_000)
      _ = try await store.append(batch(Self.spans(2), tag: Self.tag("other")))
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.tally.moved >= 40)
      while !pieces.isFinished { count += try await store.next(&pieces) }
      #expect(count == 40)
    }
  }

  @Test func `an answer that lacks a span ends with an error`() async throws {
    let policy = RetentionPolicy { $0.maximumAge = .seconds(600) }
    try await withNewStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch(Self.spans(1), tag: Self.tag("r")))
      let query = SpanQuery(.rollout("r", attempt: .any))
      var pieces = try await store.read { session throws(StoreError) in
        SpanPieces(try session.select(query).rows, of: query, SizeRenderer())
      }
      _ = try await store.next(&pieces)
      time.pass(601_000_000_000)
      _ = try await store.append(batch(Self.spans(2), tag: Self.tag("other")))
      await store.makeRetentionPass()
      let error = await #expect(throws: StoreError.self) {
        while !pieces.isFinished { _ = try await store.next(&pieces) }
      }
      #expect(error?.code == .gone)
    }
  }

  @Test func `a rollout that was the newest is counted once`() async throws {
    let policy = RetentionPolicy { $0.maximumAge = .seconds(600) }
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("r")))
      time.pass(601_000_000_000)
      for _ in 0..<3 { await store.makeRetentionPass() }
      #expect(store.retentionStatistics.tally.rollouts == 1)
      #expect(try await store.append(batch([TestSpan(trace: 2, 1)], tag: Self.tag("s"))).stored == 1)
      await store.makeRetentionPass()
    }
    let connection = try Connection(path: folder.database.path)
    #expect(try connection.integer("SELECT count(*) FROM rollouts WHERE id > 0") == 1)
  }
}

/// Counts spans, and takes their bytes for text.
private struct SizeRenderer: SpanRenderer {
  private var size = 0
  private(set) var count: UInt8 = 0

  mutating func takeOutput(isLast: Bool) -> [UInt8] {
    defer { (size, count) = (0, 0) }
    return [count]
  }

  mutating func append(_ row: SpanRow, _ bytes: Span<UInt8>, _ location: SpanLocation) -> Int {
    count += 1
    size += bytes.count
    return size
  }

  mutating func finish() {}
}

extension SQLiteStore {
  /// The number of spans in the next piece, which is read from the state that the store has now.
  fileprivate func next(_ pieces: inout SpanPieces<SizeRenderer>) async throws -> Int {
    let rest = pieces
    let (count, left) = try await read { session throws(StoreError) in
      var rest = rest
      let piece = try rest.next(session)
      return (Int(piece[0]), rest)
    }
    pieces = left
    return count
  }
}
