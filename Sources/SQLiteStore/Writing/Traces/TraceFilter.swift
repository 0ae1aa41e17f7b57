import Threads

/// Knows which traces are surely not in the lookup table, so that a new trace is not searched for there.
///
/// A search for a trace that is not there costs one step down a tree for each level, mostly to pages that are not in the
/// cache: it took two fifths of the writer's time when every span is a trace of its own.
///
/// The writer enters every key before it moves into the table. What was in the table before is read by a thread of its
/// own, and only once searches have been in vain, so that a start costs nothing. Until then the answer is "maybe".
/// Entries are never taken out: those of a transaction that was rolled back cost a search.
final class TraceFilter: Sendable {
  private enum Progress {
    /// So many searches were in vain.
    case searched(Int)
    case wanted
    case loading
    case complete
    case stopping
  }

  private struct State {
    var filter = BloomFilter(maximumCount: TraceFilter.maximumCount)
    var progress = Progress.complete
  }

  /// Keys up to which the filter grows: 24 MiB.
  private static let maximumCount = 16 << 20
  /// Tables with more entries are not read: the filter would be too full to be of use.
  private static let maximumLoad = 2 * maximumCount

  private let patience: Int
  private let state = Monitor(State())

  /// - Parameter patience: Searches in vain before the table is read.
  init(patience: Int) { self.patience = patience }

  /// Tells how many traces are in the table when the store starts.
  func start(entries: Int64) {
    state.withLock { if entries > 0 { $0.progress = .searched(entries > Self.maximumLoad ? .min : 0) } }
  }

  /// Whether a key may be in the table.
  func mayContain(_ key: Int64) -> Bool {
    state.withLock { state in
      guard case .complete = state.progress else { return true }
      return state.filter.mayContain(Self.hash(key))
    }
  }

  /// Enters keys that are going to be in the table.
  func insert(_ keys: some Sequence<Int64>) {
    state.withLock { state in
      for key in keys { state.filter.insert(Self.hash(key)) }
    }
  }

  /// Notes that a key was not found in the table.
  func didSearchInVain() {
    state.update { state in
      guard case .searched(let count) = state.progress else { return false }
      let isWanted = count + 1 >= patience
      state.progress = isWanted ? .wanted : .searched(count + 1)
      return isWanted
    }
  }

  /// Waits until the table is to be read.
  ///
  /// - Returns: `false` when it never will be.
  func waitForWish() -> Bool {
    state.wait(
      until: { state in
        switch state.progress {
        case .wanted, .complete, .stopping: true
        case .searched, .loading: false
        }
      },
      { state in
        guard case .wanted = state.progress else { return false }
        state.progress = .loading
        return true
      })
  }

  /// Whether what the table holds is still wanted.
  var isLoading: Bool {
    state.withLock { if case .loading = $0.progress { true } else { false } }
  }

  /// Notes the end of the reading.
  func didLoad(everything: Bool) {
    state.withLock { state in
      guard case .loading = state.progress else { return }
      // After a failure it is tried again when searches have gone on in vain.
      state.progress = everything ? .complete : .searched(0)
    }
  }

  /// Ends the waiting and the reading.
  func stop() {
    state.update { state in
      state.progress = .stopping
      return true
    }
  }

  /// Spreads a key over 64 bits: neighbours in the table must not be neighbours here.
  private static func hash(_ key: Int64) -> UInt64 {
    let mixed = UInt64(bitPattern: key) &* 0x9E37_79B9_7F4A_7C15
    return mixed ^ mixed >> 32
  }
}
