import Synchronization

/// The memory that waits to be recorded, over all calls.
package final class RecordingMemory: Sendable {
  private let used = Atomic<Int>(0)
  private let limit: Int

  package init(limit: Int) { self.limit = limit }

  package var usedBytes: Int { used.load(ordering: .relaxed) }

  fileprivate func take(_ bytes: Int) -> Bool {
    if used.wrappingAdd(bytes, ordering: .relaxed).newValue <= limit { return true }
    used.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  /// What one call holds; given back with the last reference.
  package final class Lease: Sendable {
    private let memory: RecordingMemory
    private let bytes = Atomic<Int>(0)

    init(_ memory: RecordingMemory) { self.memory = memory }

    deinit { memory.used.wrappingSubtract(bytes.load(ordering: .relaxed), ordering: .relaxed) }

    /// - Returns: `false` when there is no room.
    func grow(by more: Int) -> Bool {
      guard memory.take(more) else { return false }
      bytes.wrappingAdd(more, ordering: .relaxed)
      return true
    }
  }
}
