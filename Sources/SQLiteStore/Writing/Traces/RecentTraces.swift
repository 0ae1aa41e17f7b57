import Telemetry
import Threads

/// The traces that are not in the lookup table yet, shared by the writer and the readers.
///
/// An entry may be ahead of what is committed; whoever finds one checks it against the row of the trace.
final class RecentTraces: Sendable {
  private struct State {
    var growing: [TraceID: Int64] = [:]
    /// Entries that are on their way into the table.
    var leaving: [TraceID: Int64] = [:]
    /// The last trace that has left for the table, in a transaction that was committed.
    var lookedUpID: Int64 = 0
  }

  private let state = Locked(State())

  subscript(traceID: TraceID) -> Int64? {
    state.withLock { $0.growing[traceID] ?? $0.leaving[traceID] }
  }

  func insert(_ traceID: TraceID, _ id: Int64) {
    state.withLock { $0.growing[traceID] = id }
  }

  /// Whether a trace has not begun to leave for the table.
  func isGrowing(_ traceID: TraceID) -> Bool { state.withLock { $0.growing[traceID] != nil } }

  /// Forgets traces whose rows were deleted, unless they have come again since.
  func remove(_ traces: [TraceID: Int64]) {
    state.withLock { state in
      for (traceID, row) in traces {
        if state.growing[traceID] == row { state.growing[traceID] = nil }
        if state.leaving[traceID] == row { state.leaving[traceID] = nil }
      }
    }
  }

  var growingCount: Int { state.withLock { $0.growing.count } }

  /// Moves all that is growing to what is leaving.
  func startLeaving() -> [TraceID: Int64] {
    state.withLock { state in
      state.leaving = state.growing
      state.growing = [:]
      return state.leaving
    }
  }

  /// Forgets what has left.
  ///
  /// A snapshot that does not know these in the table is older than `lookedUpID`.
  func finishLeaving(upTo lookedUpID: Int64) {
    state.withLock { state in
      state.leaving = [:]
      state.lookedUpID = lookedUpID
    }
  }

  /// The last trace that can be found in the table by snapshots that are taken now.
  var lookedUpID: Int64 { state.withLock { $0.lookedUpID } }

  /// Starts anew with what a database holds, at once, so that no reader misses a trace meanwhile.
  func replace(with traces: [TraceID: Int64], after lookedUpID: Int64) {
    state.withLock { $0 = State(growing: traces, lookedUpID: lookedUpID) }
  }
}
