import Foundation
import Threads
import TraceStore

@testable import SQLiteStore

/// A folder that is gone at the end of the test.
final class TemporaryFolder: Sendable {
  let url: URL
  var path: String { url.path }
  var database: URL { url.appending(path: "fulgurite.db") }

  init() throws {
    url = FileManager.default.temporaryDirectory.appending(path: "fulgurite-store-\(UUID())")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(at: url) }

  /// Opens the store of this folder for as long as `body` runs.
  func withStore<Result>(
    _ options: SQLiteStoreOptions = SQLiteStoreOptions(), _ body: (SQLiteStore) async throws -> Result
  ) async throws -> Result {
    let store = try SQLiteStore(folder: path, options: options)
    do {
      let result = try await body(store)
      await store.finish()
      return result
    } catch {
      await store.finish()
      throw error
    }
  }
}

extension SQLiteStore {
  /// Closes the store without blocking a thread that other tests need.
  func finish() async {
    await withCheckedContinuation { continuation in
      Threads.Thread(name: "closer") {
        self.close()
        continuation.resume()
      }.detach()
    }
  }
}

/// Opens a new store for as long as `body` runs.
func withNewStore<Result>(
  _ options: SQLiteStoreOptions = SQLiteStoreOptions(), _ body: (SQLiteStore) async throws -> Result
) async throws -> Result {
  try await TemporaryFolder().withStore(options, body)
}
