package import Telemetry
package import TraceStore

/// What there is of a rollout and what is not, for those who ask why it is empty.
package struct RolloutDiagnosis: Sendable {
  /// One attempt, or the spans that name none.
  package struct Attempt: Sendable {
    /// `nil` for spans that name no attempt.
    package var id: String?
    /// As Agent Lightning's store has it; `nil` when only spans name it.
    package var registered: Telemetry.Attempt?
    package var spans: Int64 = 0
    package var tally = SpanTally()
  }

  /// Traces that may belong here.
  package struct Unassigned: Sendable {
    /// When the rollout was at work, in nanoseconds since 1970; `nil` when nobody knows.
    package var window: Range<UInt64>?
    /// Traces with unassigned spans in that time, the first few.
    package var traces: [UnassignedTrace] = []
    package var hasMore = false
  }

  package var rolloutID: String
  /// As Agent Lightning's store has it; `nil` when nobody has enqueued or started it.
  package var rollout: Rollout?
  /// In the order of their numbers, then those that only spans name.
  package var attempts: [Attempt] = []
  /// The rules that brought the spans here.
  package var rules: [TagRule: Int64] = [:]
  /// Spans whose contents were looked at.
  package var examinedSpans = 0
  package var sequence = SequenceReport([])
  package var unassigned = Unassigned()
  /// What was refused and named the rollout, the newest first; `nil` when only a server that runs would know.
  package var refusals: [Refusal]?
  /// Pieces of work that are left to tag spans of the whole store anew.
  package var pendingRetagging: Int64 = 0

  package init(rolloutID: String) { self.rolloutID = rolloutID }

  /// All spans of the rollout.
  package var spans: Int64 { attempts.reduce(0) { $0 + $1.spans } }

  /// What was found in all spans that were looked at.
  package var tally: SpanTally { attempts.reduce(into: SpanTally()) { $0.add($1.tally) } }
}

/// What was found in spans.
package struct SpanTally: Sendable {
  /// Spans of calls of language models.
  package var llmSpans = 0
  /// The calls; one that was recorded as several spans below each other is one.
  package var llmCalls = 0
  /// Of these, those with the ids of the tokens of prompt and response.
  package var withTokenIDs = 0
  /// Of these, those with log-probabilities.
  package var withLogProbabilities = 0
  /// Calls that began before the last reward of their attempt, but were bound and numbered after it.
  package var behindReward = 0
  package var rewardSpans = 0
  /// By the order of the sequence.
  package var lastReward: Double?
  /// Spans that came after the end of their attempt; `nil` = not known.
  package var late: Int64?

  mutating func add(_ other: SpanTally) {
    llmSpans += other.llmSpans
    llmCalls += other.llmCalls
    withTokenIDs += other.withTokenIDs
    withLogProbabilities += other.withLogProbabilities
    behindReward += other.behindReward
    rewardSpans += other.rewardSpans
    // Attempts come in their order, and the later one counts.
    lastReward = other.lastReward ?? lastReward
    if let late = other.late { self.late = (self.late ?? 0) + late }
  }
}
