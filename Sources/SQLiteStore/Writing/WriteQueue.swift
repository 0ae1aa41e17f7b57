import Glibc
import Threads
import TraceStore

/// What the event loops hand over to the writer, bounded in bytes.
final class WriteQueue: Sendable {
  private struct State {
    var writes: [PendingWrite] = []
    /// Work that nobody waits for.
    var background: [PendingWrite] = []
    /// Whether such work was there and others went first.
    var hasPassedOver = false
    /// Bytes of what waits and of what the writer works on.
    var byteCount = 0
    var isClosing = false

    var isEmpty: Bool { writes.isEmpty && background.isEmpty }
  }

  private let state = Monitor(State())
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  /// Bytes that wait or are being written.
  var byteCount: Int { state.withLock { $0.byteCount } }

  /// Adds a write, unless the queue is full or closing.
  func add(_ pending: PendingWrite) throws(StoreError) {
    var refusal: StoreError?
    state.update { state in
      if state.isClosing {
        refusal = StoreError(.closing, "the store is closing")
        return false
      }
      // The last one may lie over the limit: one larger than what is left must not wait for an empty queue for ever.
      guard state.byteCount < limit else {
        refusal = StoreError(.overloaded, "the write queue is full")
        return false
      }
      state.byteCount += pending.byteCount
      if pending.isBackground { state.background.append(pending) } else { state.writes.append(pending) }
      return state.writes.count + state.background.count == 1
    }
    if let refusal { throw refusal }
  }

  /// What a wait for work ended with.
  enum Work {
    case writes([PendingWrite])
    /// Nothing came within the time.
    case idle
    /// The queue is closing and empty.
    case closed
  }

  /// Returns when there is something to do, or no reason to stay awake for it.
  func look(_ shortWaits: inout ShortWaits) {
    while state.withLock({ $0.isEmpty && !$0.isClosing }), shortWaits.staysAwake() { sched_yield() }
  }

  /// Waits for writes and takes all that are there, up to a limit of bytes.
  ///
  /// Work that nobody waits for is taken alone, when nothing else is there: mostly that is right after others have been
  /// answered, while what they send next is on its way, and goes into the same transaction. It is passed over once at most.
  func take(upTo bytes: Int, waitingAtMost timeout: Duration) -> Work {
    state.wait(atMost: timeout, until: { !$0.isEmpty || $0.isClosing }) { state in
      if state.isEmpty { return state.isClosing ? .closed : .idle }
      if !state.background.isEmpty, state.writes.isEmpty || state.hasPassedOver {
        state.hasPassedOver = false
        return .writes([state.background.removeFirst()])
      }
      state.hasPassedOver = !state.background.isEmpty
      return .writes(Self.take(from: &state.writes, upTo: bytes))
    }
  }

  /// Takes what waits, up to a limit of bytes, if there is anything and the limit is not reached.
  func takeMore(upTo bytes: Int) -> [PendingWrite] {
    guard bytes > 0 else { return [] }
    return state.withLock { Self.take(from: &$0.writes, upTo: bytes) }
  }

  /// - Returns: At least one, if there is any.
  private static func take(from writes: inout [PendingWrite], upTo bytes: Int) -> [PendingWrite] {
    var size = 0
    let end = writes.firstIndex { pending in
      size += pending.nextByteCount
      return size > bytes && size > pending.nextByteCount
    }
    let taken = Array(writes[..<(end ?? writes.count)])
    writes.removeFirst(taken.count)
    return taken
  }

  /// Lets the rest of a batch wait behind what has come meanwhile.
  func putBack(_ rest: PendingWrite) {
    state.withLock { $0.writes.append(rest) }
  }

  /// Gives the room of writes back that the writer is done with.
  func finish(_ writes: [PendingWrite]) {
    let bytes = writes.reduce(0) { $0 + $1.byteCount }
    state.withLock { $0.byteCount -= bytes }
  }

  /// Refuses everything from now on; what waits is still written.
  func close() {
    state.update { state in
      state.isClosing = true
      return true
    }
  }
}
