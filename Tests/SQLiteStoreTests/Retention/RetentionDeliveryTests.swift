import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

/// Spans wait for their forwarders, but not for ever.
@Suite struct `Retention and forwarders` {
  private static func tag(_ rollout: String) -> RolloutTag { RolloutTag(rolloutID: rollout, attemptID: "a") }
  private let time = SetTime()
  private let policy = RetentionPolicy {
    $0.maximumAge = .seconds(86_400)
    $0.forwardLag = .seconds(7 * 86_400)
  }

  @Test func `what is not delivered stays until the lag is over, and is counted then`() async throws {
    let folder = try TemporaryFolder()
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      try await store.setCursor(0)
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("r1")))
      time.pass(61_000_000_000)
      _ = try await store.append(batch([TestSpan(trace: 2, 1)], tag: Self.tag("r2")))
      _ = try await store.append(batch([TestSpan(trace: 3, 1)]))
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 3)
      try await store.setCursor(1)
      await store.makeRetentionPass()
      #expect(try await store.rollouts().map(\.id) == ["r2"])
      #expect(try await store.totals().spans == 2)
      #expect(store.retentionStatistics.tally.undelivered == 0)
      time.pass(6 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
      #expect(store.retentionStatistics.tally.undelivered == 2)
    }
    try folder.checkConsistency()
  }

  @Test func `a forwarder that is no longer configured is not waited for`() async throws {
    try await withNewStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      try await store.setCursor(0, isActive: false)
      _ = try await store.append(batch([TestSpan(trace: 1, 1)], tag: Self.tag("r1")))
      time.pass(2 * SetTime.day)
      await store.makeRetentionPass()
      #expect(try await store.totals().spans == 0)
    }
  }

  @Test func `segments are rewritten behind every cursor alone`() async throws {
    let folder = try TemporaryFolder()
    let policy = RetentionPolicy { $0.packAfter = .seconds(600) }
    try await folder.withStore(time.options(policy)) { store async throws in
      await store.makeRetentionPass()
      try await store.setCursor(0)
      for id in UInt64(1)...9 {
        time.pass(61_000_000_000)
        _ = try await store.append(batch([TestSpan(trace: 1, id)], tag: Self.tag("r")))
      }
      time.pass(SetTime.day)
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.tally.moved == 0)
      try await store.setCursor(9)
      await store.makeRetentionPass()
      #expect(store.retentionStatistics.tally.moved == 9)
    }
    try folder.checkConsistency()
  }
}

extension SQLiteStore {
  /// Puts a forwarder to an arrival number.
  func setCursor(_ cursor: Int64, isActive: Bool = true) async throws {
    try await perform(bytes: 1) { session, _, _ in
      try session.connection.execute(
        """
        INSERT INTO forwarders(name, is_active, cursor) VALUES('jaeger', \(isActive ? 1 : 0), \(cursor))
          ON CONFLICT DO UPDATE SET cursor = excluded.cursor, is_active = excluded.is_active
        """)
    }
  }
}
