import SQLite
import Synchronization
import Testing
import Threads
import TraceStore

@testable import SQLiteStore

@Suite(.timeLimit(.minutes(5))) struct InterruptionTests {
  @Test func `a statement that runs is ended from another thread`() async throws {
    let folder = try TemporaryFolder()
    let interruption = Interruption()
    let path = folder.path + "/query.db"
    let hasBegun = Monitor(false)
    let code = await withCheckedContinuation { continuation in
      Threads.Thread(name: "query") {
        do throws(SQLiteError) {
          let connection = try Connection(path: path, interruption: interruption)
          connection.setDeadline(.now + .seconds(3600))
          hasBegun.update { hasBegun in
            hasBegun = true
            return true
          }
          // Without an end.
          _ = try connection.integer(
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers) SELECT count(*) FROM numbers")
          continuation.resume(returning: nil as SQLiteError.Code?)
        } catch {
          continuation.resume(returning: error.code)
        }
      }.detach()
      Threads.Thread(name: "interrupter") {
        hasBegun.wait(until: { $0 }, { _ in })
        interruption.request()
      }.detach()
    }
    #expect(code?.primary == .interrupted)
  }

  @Test func `closing the store ends the queries that run, and refuses those that wait`() async throws {
    var options = SQLiteStoreOptions()
    options.readers = 1
    let folder = try TemporaryFolder()
    let store = try SQLiteStore(folder: folder.path, options: options)
    let isRunning = Monitor(false)
    async let running = outcome {
      try await store.read { session throws(StoreError) in
        isRunning.update { isRunning in
          isRunning = true
          return true
        }
        // As a query does that reads segment after segment.
        while true { _ = try session.totals() }
      }
    }
    await withCheckedContinuation { continuation in
      Threads.Thread(name: "waiter") {
        isRunning.wait(until: { $0 }, { _ in })
        continuation.resume()
      }.detach()
    }
    let waiting = Task {
      await outcome { _ = try await store.read { session throws(StoreError) in try session.totals() } }
    }
    while store.waitingQueries == 0 { await Task.yield() }
    await store.finish()
    #expect(await running == .closing)
    #expect(await waiting.value == .closing)
    withExtendedLifetime(folder) {}
  }

  private func outcome(_ body: @Sendable () async throws -> Void) async -> StoreError.Code? {
    do {
      try await body()
      return nil
    } catch {
      return (error as? StoreError)?.code
    }
  }
}
