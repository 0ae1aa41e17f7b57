import Telemetry
import TraceStore

/// Counts what the spans of each attempt show.
struct AttemptTallies {
  fileprivate struct State {
    var tally = SpanTally()
    var calls = ModelCalls()
    /// Of the last reward.
    var reward: (sequence: Int64, start: UInt64)?
    /// The last span that came before the end of the attempt.
    var lastArrival: Int64?
  }

  private var states: [ExactText: State] = [:]

  private static func key(_ attempt: String?) -> ExactText { ExactText(attempt ?? "") }

  mutating func end(_ attempt: String?, lastArrival: Int64) {
    states[Self.key(attempt), default: State()].lastArrival = lastArrival
    states[Self.key(attempt), default: State()].tally.late = 0
  }

  mutating func add(_ row: SpanRow, _ traits: SpanTraits) {
    states[Self.key(row.attemptID), default: State()].add(row, traits)
  }

  func tally(_ attempt: String?) -> SpanTally {
    guard let state = states[Self.key(attempt)] else { return SpanTally() }
    var tally = state.tally
    tally.llmSpans = state.calls.spanCount
    state.calls.count(reward: state.reward, in: &tally)
    return tally
  }
}

extension AttemptTallies.State {
  fileprivate mutating func add(_ row: SpanRow, _ traits: SpanTraits) {
    if traits.isLLM { calls.add(row, traits) }
    if let value = traits.reward {
      tally.rewardSpans += 1
      let sequence = row.sequence ?? 0
      // Rows come in the order of their arrival: of equal numbers the later span counts.
      if reward.map({ sequence >= $0.sequence }) ?? true {
        reward = (sequence, row.startTime)
        tally.lastReward = value
      }
    }
    if let lastArrival, row.arrival > lastArrival { tally.late = (tally.late ?? 0) + 1 }
  }
}
