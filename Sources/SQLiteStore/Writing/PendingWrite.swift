import TraceStore

/// What waits for the writer.
enum PendingWrite: Sendable {
  case batch(PendingBatch)
  case command(PendingCommand)

  /// Bytes that it holds while it waits, roughly.
  var byteCount: Int {
    switch self {
    case .batch(let batch): batch.byteCount
    case .command(let command): command.byteCount
    }
  }

  /// Bytes that the next transaction takes of it, roughly.
  var nextByteCount: Int {
    switch self {
    case .batch(let batch): batch.nextByteCount
    case .command(let command): command.byteCount
    }
  }

  /// Whether it is work that no client waits for.
  var isBackground: Bool { if case .command(let command) = self { command.isBackground } else { false } }

  /// What remains after a transaction; `nil` when it is done.
  ///
  /// - Parameter receipt: What became of the part that the transaction took.
  func rest(after receipt: AppendReceipt) -> PendingWrite? {
    guard case .batch(let batch) = self, !batch.isLastSlice else { return nil }
    batch.advance(receipt)
    return self
  }
}

/// What became of a write in a transaction that has committed.
enum WriteOutcome {
  case stored(AppendReceipt)
  /// Answers the caller.
  case done(@Sendable () -> Void)
}

/// A change of rollouts that waits for the writer.
struct PendingCommand: Sendable {
  let byteCount: Int
  /// Whether it is work that nobody waits for, which begins a transaction and does not come behind others in it.
  var isBackground = false
  /// Makes the change.
  ///
  /// Called again when the transaction was rolled back because of others. Gives what to do after the commit.
  let perform: @Sendable (WriterSession, _ received: Int64) throws -> @Sendable () -> Void
  /// Answers the caller that it was not done.
  let fail: @Sendable (StoreError) -> Void
}
