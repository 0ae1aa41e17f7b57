package import JSON
import Telemetry
import TraceStore

/// A diagnosis as JSON.
package enum DiagnosisText {
  package static func write(_ diagnosis: RolloutDiagnosis, to writer: inout JSONWriter) {
    writer.diagnosis(diagnosis)
  }
}

extension JSONWriter {
  fileprivate mutating func diagnosis(_ diagnosis: RolloutDiagnosis) {
    beginObject()
    key("rolloutId")
    string(diagnosis.rolloutID)
    key("status")
    optional(diagnosis.rollout?.status.rawValue)
    key("findings")
    findings(diagnosis.findings)
    key("spans")
    integer(diagnosis.spans)
    key("rules")
    beginObject()
    for (rule, count) in diagnosis.rules.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
      key(rule.name)
      integer(count)
    }
    endObject()
    key("attempts")
    beginArray()
    for attempt in diagnosis.attempts { self.attempt(attempt) }
    endArray()
    key("examinedSpans")
    integer(Int64(diagnosis.examinedSpans))
    tally(diagnosis.tally)
    key("sequence")
    sequence(diagnosis.sequence)
    key("unassigned")
    unassigned(diagnosis.unassigned)
    key("refused")
    if let refusals = diagnosis.refusals {
      beginArray()
      for refusal in refusals { self.refusal(refusal) }
      endArray()
    } else {
      null()
    }
    key("pendingRetagging")
    integer(diagnosis.pendingRetagging)
    endObject()
  }

  private mutating func findings(_ findings: [DiagnosisFinding]) {
    beginArray()
    for finding in findings {
      beginObject()
      key("code")
      string(finding.code)
      key("level")
      string(finding.level.rawValue)
      key("text")
      string(finding.text)
      endObject()
    }
    endArray()
  }

  private mutating func attempt(_ attempt: RolloutDiagnosis.Attempt) {
    beginObject()
    key("attemptId")
    optional(attempt.id)
    key("status")
    optional(attempt.registered?.status.rawValue)
    key("startTimeUnixNano")
    seconds(attempt.registered?.startTime)
    key("endTimeUnixNano")
    seconds(attempt.registered?.endTime)
    key("spans")
    integer(attempt.spans)
    tally(attempt.tally)
    endObject()
  }

  /// The members of a tally, inside an object.
  private mutating func tally(_ tally: SpanTally) {
    key("llmSpans")
    integer(Int64(tally.llmSpans))
    key("llmCalls")
    integer(Int64(tally.llmCalls))
    key("llmCallsWithTokenIds")
    integer(Int64(tally.withTokenIDs))
    key("llmCallsWithLogProbabilities")
    integer(Int64(tally.withLogProbabilities))
    key("llmCallsBehindReward")
    integer(Int64(tally.behindReward))
    key("rewardSpans")
    integer(Int64(tally.rewardSpans))
    key("lastReward")
    // JSON has no numbers beyond the finite ones.
    if let reward = tally.lastReward, reward.isFinite { double(reward) } else { null() }
    key("lateSpans")
    if let late = tally.late { integer(late) } else { null() }
  }

  private mutating func sequence(_ sequence: SequenceReport) {
    beginObject()
    key("numbered")
    integer(Int64(sequence.numbered))
    key("unnumbered")
    integer(Int64(sequence.unnumbered))
    key("first")
    if let first = sequence.first { integer(first) } else { null() }
    key("last")
    if let last = sequence.last { integer(last) } else { null() }
    key("missing")
    integer(sequence.missing)
    key("gaps")
    beginArray()
    for gap in sequence.gaps {
      beginObject()
      key("from")
      integer(gap.lowerBound)
      key("to")
      integer(gap.upperBound)
      endObject()
    }
    endArray()
    endObject()
  }

  private mutating func unassigned(_ unassigned: RolloutDiagnosis.Unassigned) {
    beginObject()
    key("fromUnixNano")
    time(unassigned.window?.lowerBound ?? 0)
    key("toUnixNano")
    time(unassigned.window?.upperBound ?? 0)
    key("traces")
    beginArray()
    for trace in unassigned.traces { self.unassigned(trace) }
    endArray()
    key("hasMore")
    bool(unassigned.hasMore)
    endObject()
  }

  private mutating func seconds(_ seconds: Double?) { time(seconds.flatMap(RolloutExaminer.nanoseconds) ?? 0) }
}
