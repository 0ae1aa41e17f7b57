import Foundation
import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

@Suite struct `Retention and segments` {
  private let time = SetTime()

  private static func tag(_ rollout: String) -> RolloutTag { RolloutTag(rolloutID: rollout, attemptID: "a") }

  /// Spans whose attributes do not compress.
  private static func spans(trace: UInt64, _ ids: ClosedRange<UInt64>, bytes: Int = 200) -> [TestSpan] {
    ids.map { id in
      TestSpan(trace: trace, id).with { span in
        let numbers = (0..<bytes / 16).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }
        span.attributes = [("random", .string(numbers.joined()))]
      }
    }
  }

  @Test func `what is left of segments is gathered, byte for byte`() async throws {
    let folder = try TemporaryFolder()
    let policy = RetentionPolicy { $0.maximumAge = .seconds(10 * 86_400) }
    var kept: [TestSpan] = []
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      for round in 0..<40 {
        let mine = Self.spans(trace: 1, UInt64(3 * round + 1)...UInt64(3 * round + 1))
        kept += mine
        _ = try await store.append(batch(mine, tag: Self.tag("kept")))
        _ = try await store.append(batch(Self.spans(trace: UInt64(100 + round), 1...9), tag: Self.tag("r\(round)")))
      }
      try await store.pin(rollout: "kept", true)
      time.pass(11 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.spans(SpanQuery(.rollout("kept", attempt: .any))).map(\.bytes) == kept.map(\.bytes))
      #expect(try await store.totals().spans == 40)
      #expect(store.retentionStatistics.tally.moved == 40)
      // A repeat is known also where the span has moved.
      #expect(try await store.append(batch([kept[7]], tag: Self.tag("kept"))) == AppendReceipt(duplicates: 1))
    }
    try folder.checkConsistency()
    let connection = try Connection(path: folder.database.path)
    #expect(try connection.integer("SELECT count(*) FROM segments") == 1)
  }

  @Test func `an attempt that has ended is packed, and reads the same`() async throws {
    let folder = try TemporaryFolder()
    let policy = RetentionPolicy { $0.packAfter = .seconds(600) }
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      let running = try await store.start(NewRollout(input: JSONText("1")), worker: nil, once: nil)
      let attempt = try #require(running.attempt)
      let tags = [Self.tag("r1"), Self.tag("r2"), RolloutTag(rolloutID: running.rollout.id, attemptID: attempt.id)]
      for round in 0..<60 {
        for (number, tag) in tags.enumerated() {
          let id = UInt64(round + 1)
          _ = try await store.append(
            batch(
              Self.spans(trace: UInt64(number + 1), id...id, bytes: 400), resource: [("n", .int(Int64(round % 3)))],
              tag: tag))
        }
      }
      let before = try await store.spans(SpanQuery(.rollout("r1", attempt: .any)))
      time.pass(601_000_000_000)
      await store.makeRetentionPass()
      // The 60 that run on are what was left of segments that they shared.
      #expect(store.retentionStatistics.tally.moved == 180)
      let after = try await store.spans(SpanQuery(.rollout("r1", attempt: .any)))
      #expect(after.map(\.bytes) == before.map(\.bytes))
      #expect(after.map { $0.resourceSpans.prefix(12) } == before.map { $0.resourceSpans.prefix(12) })
      #expect(Set(after.map(\.row.segment)).count == 1)
      #expect(after.map(\.row.arrival) == before.map(\.row.arrival))
      // Once is enough.
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.tally.moved == 180)
      // Until more comes.
      _ = try await store.append(batch(Self.spans(trace: 1, 1_000...1_000), tag: Self.tag("r1")))
      time.pass(601_000_000_000)
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.tally.moved == 241)
    }
    try folder.checkConsistency()
  }

  @Test func `prompts and completions go first, and the span says so`() async throws {
    let folder = try TemporaryFolder()
    let policy = RetentionPolicy { $0.payloadAfter = .seconds(86_400) }
    let span = TestSpan(trace: 1, 1).with {
      $0.attributes = [
        ("gen_ai.request.model", .string("m")), ("gen_ai.input.messages", .string(String(repeating: "p", count: 500))),
        ("gen_ai.usage.input_tokens", .int(7)), ("gen_ai.prompt.0.content", .string("secret")),
      ]
    }
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([span], tag: Self.tag("r")))
      _ = try await store.append(batch([span.with { $0.spanID = SpanID(value: 2) }], tag: Self.tag("pinned")))
      try await store.pin(rollout: "pinned", true)
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      let stripped = try #require(try await store.spans(SpanQuery(.rollout("r", attempt: .any))).first)
      let text = String(decoding: stripped.bytes, as: UTF8.self)
      #expect(text.contains("gen_ai.request.model") && text.contains("gen_ai.usage.input_tokens"))
      #expect(text.contains("fulgurite.payload_dropped"))
      #expect(!text.contains("secret") && !text.contains("pppp"))
      let kept = try #require(try await store.spans(SpanQuery(.rollout("pinned", attempt: .any))).first)
      #expect(String(decoding: kept.bytes, as: UTF8.self).contains("secret"))
      #expect(store.retentionStatistics.tally.stripped == 1)
      // The same span again is the same span.
      #expect(try await store.append(batch([span], tag: Self.tag("r"))) == AppendReceipt(duplicates: 1))
      let other = span.with { $0.attributes[0].1 = .string("n") }
      #expect(try await store.append(batch([other], tag: Self.tag("r"))).variants == 1)
    }
    try folder.checkConsistency()
  }

  @Test func `the bytes go back to the file system`() async throws {
    let folder = try TemporaryFolder()
    let policy = RetentionPolicy { $0.maximumAge = .seconds(86_400) }
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      for round in 0..<60 {
        _ = try await store.append(
          batch(Self.spans(trace: UInt64(round), 1...100, bytes: 1_000), tag: Self.tag("r\(round % 7)")))
      }
    }
    let before = try #require(try folder.database.resourceValues(forKeys: [.fileSizeKey]).fileSize)
    #expect(before > 3_500_000)
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch([TestSpan(trace: 1_000, 1)], tag: Self.tag("new")))
      await store.makeRetentionPass()
      time.pass(2 * SetTime.day)
      _ = try await store.append(batch([TestSpan(trace: 1_000, 2)], tag: Self.tag("new")))
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.failure == nil)
      #expect(try await store.totals().spans == 2)
    }
    try folder.checkConsistency()
    let url = URL(filePath: folder.database.path)
    let after = try #require(try url.resourceValues(forKeys: [.fileSizeKey]).fileSize)
    #expect(after < 512 * 4096 + 300_000)
  }

  @Test func `a large rollout is out of sight at once, and its spans can come again`() async throws {
    let folder = try TemporaryFolder()
    let policy = RetentionPolicy { $0.maximumAge = .seconds(86_400) }
    let spans = Self.spans(trace: 1, 1...5_000, bytes: 10)
    try await folder.withStore(time.options(RetentionPolicy { _ in })) { store async throws in
      await store.makeRetentionPass()
      _ = try await store.append(batch(spans, tag: Self.tag("large")))
      _ = try await store.append(batch([TestSpan(trace: 1, 9_999)], tag: Self.tag("other")))
      // As a step would, and no more.
      let candidate = try await store.candidate("large")
      let begun = try await store.perform(bytes: 1) { session, received, _ in
        try session.remove([candidate], budget: 100, received: received)
      }
      #expect(begun.tally.rollouts == 1 && begun.tally.spans == 0 && begun.isUnfinished)
      #expect(try await store.rows(ofRollout: "large").isEmpty)
      #expect(try await store.rows(SpanQuery(.trace(TestSpan.traceID(1)))).map(\.rolloutID) == ["other"])
      #expect(try await store.rollouts().map(\.id) == ["other"])
      #expect(try await store.append(batch(Array(spans[..<10]), tag: Self.tag("large"))).stored == 10)
      #expect(try await store.rows(ofRollout: "large").count == 10)
      _ = try await store.perform(bytes: 1) { session, received, _ in
        try session.continueRemoval(budget: 1_000, received: received)
      }
    }
    // As after a crash: what was begun goes on.
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      await store.makeRetentionPass()
      #expect(try await store.rows(ofRollout: "large").count == 10)
      #expect(try await store.totals().spans == 11)
    }
    try folder.checkConsistency()
  }
}

extension SQLiteStore {
  /// A rollout as retention would find it.
  fileprivate func candidate(_ id: String) async throws -> RolloutCandidate {
    try await perform(bytes: 1) { session, received, _ in
      var select = try session.connection.prepare(
        """
        SELECT rollouts.id, sum(spans), max(last_arrival) FROM rollouts JOIN attempts ON attempts.rollout = rollouts.id
        WHERE rollout_id = '\(id)'
        """)
      let found = try select.first { (row: borrowing Row) in
        RolloutCandidate(
          row: row.int(at: 0), lastActivity: row.int(at: 2), spans: row.int(at: 1), isActive: false)
      }
      return found!
    }
  }
}
