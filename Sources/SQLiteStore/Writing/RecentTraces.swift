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
  }

  private let state = Locked(State())

  subscript(traceID: TraceID) -> Int64? {
    state.withLock { $0.growing[traceID] ?? $0.leaving[traceID] }
  }

  func insert(_ traceID: TraceID, _ id: Int64) {
    state.withLock { $0.growing[traceID] = id }
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

  func finishLeaving() {
    state.withLock { $0.leaving = [:] }
  }

  func removeAll() {
    state.withLock { $0 = State() }
  }
}
