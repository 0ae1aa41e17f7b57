import FaultVFS
import Foundation
import SQLite
import Telemetry
import Testing
import TraceStore

@testable import SQLiteStore

@Suite struct `Large batches` {
  private static let count = 30_000

  /// Spans of one rollout, with what attribution needs of some that name none.
  private static func large() throws -> SpanBatch {
    try batch(
      (1...UInt64(count)).map { number in
        // Those that name none are alone in their traces: nothing else says where they belong.
        TestSpan(trace: number % 1_000 == 0 ? 10_000_000 + number : number / 100, number).with {
          $0.attributes =
            number % 1_000 == 0
            ? [("session.id", .string("s\(number)"))] : [("agentlightning.rollout_id", .string("r"))]
        }
      })
  }

  @Test func `they are stored in slices, and others in between`() async throws {
    try await withNewStore { store async throws in
      let large = try Self.large()
      #expect(PendingSlices(large).count > 3)
      async let receipt = store.append(large)
      // Each comes into the queue while the writer works on a slice, and waits for one slice at most.
      var arrivals: [Int64] = []
      for number in UInt64(1)...5 {
        _ = try await store.append(batch([TestSpan(trace: 1_000_000 + number, 1)]))
        arrivals += try await store.spans(ofTrace: 1_000_000 + number).map(\.row.arrival)
      }
      #expect(try await receipt == AppendReceipt(stored: Self.count))
      #expect(arrivals.count == 5)
      #expect(try #require(arrivals.first) < Self.count)
      let rows = try await store.rows(ofRollout: "r")
      #expect(rows.count == Self.count - Self.count / 1_000)
      #expect(Set(rows.map(\.arrival)).isDisjoint(with: arrivals))
      #expect(try await store.append(large) == AppendReceipt(duplicates: Self.count))
    }
  }

  @Test func `what was stored of one that fails is found when it is sent again`() async throws {
    let disk = FaultVFS()
    var options = SQLiteStoreOptions()
    options.vfs = disk.name
    // No checkpoint is to meet the failure in the writer's place.
    options.checkpointBytes = 1 << 30
    let folder = try TemporaryFolder()
    try await folder.withStore(options) { store async throws in
      let large = try Self.large()
      // The first slice is stored, a later one is not.
      disk.failNext(.write, after: 8)
      await #expect(throws: StoreError.self) { try await store.append(large) }
      let receipt = try await store.append(large)
      #expect(receipt.stored + receipt.duplicates == Self.count)
      #expect(receipt.duplicates > 0 && receipt.stored > 0)
      #expect(try await store.rows(ofRollout: "r").count == Self.count - Self.count / 1_000)
    }
    let connection = try Connection(path: folder.database.path)
    #expect(try connection.integer("SELECT count(*) FROM span_sessions") == Int64(Self.count / 1_000))
    #expect(try connection.integer("SELECT count(*) FROM spans") == Int64(Self.count))
  }
}

/// The slices of a batch, as the writer takes them.
private struct PendingSlices {
  var count = 0

  init(_ batch: SpanBatch) {
    var start = 0
    while start < batch.segments.count {
      start = PendingBatch.slice(of: batch, from: start).upperBound
      count += 1
    }
  }
}
