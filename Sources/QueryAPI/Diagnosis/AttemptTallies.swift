import Telemetry
import TraceStore

/// Counts what the spans of each attempt show.
struct AttemptTallies {
  fileprivate struct State {
    var tally = SpanTally()
    /// Numbers and starts of the calls.
    var calls: [(sequence: Int64, start: UInt64)] = []
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
    if let reward = state.reward {
      tally.behindReward = state.calls.filter { $0.sequence > reward.sequence && $0.start <= reward.start }.count
    }
    return tally
  }
}

extension AttemptTallies.State {
  fileprivate mutating func add(_ row: SpanRow, _ traits: SpanTraits) {
    if traits.isLLM {
      tally.llmSpans += 1
      if traits.hasTokenIDs { tally.withTokenIDs += 1 }
      if traits.hasLogProbabilities { tally.withLogProbabilities += 1 }
      if let sequence = row.sequence, row.startTime != 0 { calls.append((sequence, row.startTime)) }
    }
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
