import JSON
import Telemetry
import TraceStore

extension RolloutDiagnosis {
  /// What is striking, the reasons for an empty rollout first.
  package var findings: [DiagnosisFinding] {
    [
      unknown, empty, unassignedFinding, refused, pending, notRegistered, withoutAttempt, emptyAttempts, late, calls,
      tokenIDs, logProbabilities, reward, behindReward, gaps, incomplete,
    ].compactMap { $0 }
  }

  private var unknown: DiagnosisFinding? {
    guard rollout == nil && spans == 0 else { return nil }
    return .init(
      "unknown", .problem, "nobody has enqueued or started this rollout, and no span belongs to it: is the id right?")
  }

  private var empty: DiagnosisFinding? {
    guard let rollout, spans == 0 else { return nil }
    if attempts.isEmpty {
      return .init(
        "empty", .problem,
        "no span belongs to this rollout, and nobody has begun to work on it: it is \(rollout.status)")
    }
    guard unassigned.traces.isEmpty else { return nil }
    return .init(
      "empty", .problem,
      "no span names this rollout, and no unassigned trace overlaps it in time: does the agent send its spans here?")
  }

  private var unassignedFinding: DiagnosisFinding? {
    guard let first = unassigned.traces.first else { return nil }
    let count = unassigned.traces.count
    let number = unassigned.hasMore ? "more than \(count)" : "\(count)"
    let traces =
      count == 1 && !unassigned.hasMore ? "1 unassigned trace overlaps" : "\(number) unassigned traces overlap"
    let listed = unassigned.traces.prefix(3).map(Self.describe).joined(separator: "; ")
    let text =
      "\(traces) it in time: \(listed)\(count > 3 ? "; ..." : ""); "
      + "\(count == 1 ? "claim it" : "claim those that belong here") with \(claim(first))"
    return spans == 0
      ? .init("unassigned", .problem, "no span names this rollout; \(text)") : .init("unassigned", .note, text)
  }

  private static func describe(_ trace: UnassignedTrace) -> String {
    var text = "\(trace.traceID) (\(trace.spans) \(trace.spans == 1 ? "span" : "spans")"
    if let service = trace.service { text += ", service \(shortened(service))" }
    if let session = trace.sessions.first { text += ", session \(shortened(session))" }
    return text + ")"
  }

  /// Senders choose these names, and their length.
  private static func shortened(_ name: String) -> String { name.count <= 64 ? name : name.prefix(64) + "..." }

  /// The request that would assign a trace.
  private func claim(_ trace: UnassignedTrace) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.key("trace_ids")
    writer.strings([trace.traceID.description])
    writer.key("rollout_id")
    writer.string(rolloutID)
    if let attempt = attempts.last(where: { $0.registered != nil })?.id {
      writer.key("attempt_id")
      writer.string(attempt)
    }
    writer.endObject()
    return "POST /api/v1/unassigned/claim " + String(decoding: writer.bytes, as: UTF8.self)
  }

  private var refused: DiagnosisFinding? {
    guard let newest = refusals?.first, let count = refusals?.count else { return nil }
    return .init(
      "refused", .problem,
      "\(count == 1 ? "a request" : "\(count) requests") with spans of this rollout "
        + "\(count == 1 ? "was" : "were") refused, as a whole or in part, the last one because: \(newest.detail)")
  }

  private var pending: DiagnosisFinding? {
    guard pendingRetagging > 0 else { return nil }
    return .init(
      "pending", .note,
      "spans of the store are yet to be tagged anew, some perhaps for this rollout (\(pendingRetagging) pieces of work): ask again soon"
    )
  }

  private var notRegistered: DiagnosisFinding? {
    guard rollout == nil && spans > 0 else { return nil }
    return .init(
      "not_registered", .note,
      "only spans name this rollout: nobody has enqueued or started it, so Agent Lightning does not list it")
  }

  private var withoutAttempt: DiagnosisFinding? {
    guard let count = attempts.first(where: { $0.id == nil })?.spans, count > 0, rollout != nil else { return nil }
    return .init(
      "without_attempt", .note, "\(spanCount(count)) of no attempt: who asks for an attempt does not get them")
  }

  private var emptyAttempts: DiagnosisFinding? {
    let ids = attempts.filter { $0.spans == 0 }.compactMap(\.id)
    guard spans > 0, !ids.isEmpty else { return nil }
    return .init(
      "empty_attempts", .note, "no span belongs to \(ids.count == 1 ? "attempt" : "the attempts") \(Self.list(ids))")
  }

  private var late: DiagnosisFinding? {
    guard let late = tally.late, late > 0 else { return nil }
    return .init(
      "late", .note, "\(spanCount(late)) came after the attempt had ended: who read the rollout at once missed them")
  }

  private var calls: DiagnosisFinding? {
    guard examinedSpans > 0 && tally.llmCalls == 0 else { return nil }
    return .init(
      "no_llm_spans", .problem,
      "none of the spans is a call of a language model: neither gen_ai.* attributes nor the names of Agent Lightning")
  }

  private var tokenIDs: DiagnosisFinding? { missing("no_token_ids", "token ids", tally.withTokenIDs) }

  private var logProbabilities: DiagnosisFinding? {
    missing("no_log_probabilities", "log-probabilities", tally.withLogProbabilities)
  }

  private func missing(_ code: String, _ what: String, _ present: Int) -> DiagnosisFinding? {
    let calls = tally.llmCalls
    guard calls > 0, present < calls else { return nil }
    guard present == 0 else {
      return .init(code, .note, "\(calls - present) of \(calls) calls of language models have no \(what)")
    }
    return .init(
      code, .note,
      calls == 1
        ? "the only call of a language model has no \(what)"
        : "none of the \(calls) calls of language models has \(what)")
  }

  private var reward: DiagnosisFinding? {
    guard examinedSpans > 0 && tally.rewardSpans == 0 else { return nil }
    // One that is still at work may get it later.
    let level: DiagnosisFinding.Level = rollout?.status.isFinished == false ? .note : .problem
    return .init("no_reward", level, "no span has a reward (agentlightning.reward.0.value)")
  }

  private var behindReward: DiagnosisFinding? {
    let count = tally.behindReward
    guard count > 0 else { return nil }
    return .init(
      "behind_reward", .problem,
      "\(count == 1 ? "1 call" : "\(count) calls") of language models began before the reward but came here after it: "
        + "by sequence number \(count == 1 ? "it stands" : "they stand") behind it, where Agent Lightning's adapter "
        + "for proxies gives no reward")
  }

  private var gaps: DiagnosisFinding? {
    guard sequence.missing > 0, let last = sequence.last else { return nil }
    let listed = sequence.gaps.prefix(3).map { gap in
      gap.count == 1 ? "\(gap.lowerBound)" : "\(gap.lowerBound) to \(gap.upperBound)"
    }
    let more = sequence.gaps.count > 3 ? ", ..." : ""
    return .init(
      "sequence_gaps", .note,
      "\(sequence.missing) of the sequence numbers 1 to \(last) are not there (\(listed.joined(separator: ", "))\(more)): "
        + "their spans have not come, or belong elsewhere now")
  }

  private var incomplete: DiagnosisFinding? {
    guard Int64(examinedSpans) < spans else { return nil }
    return .init("not_all_examined", .note, "only the first \(examinedSpans) spans were looked at")
  }

  private func spanCount(_ count: Int64) -> String { count == 1 ? "1 span" : "\(count) spans" }

  private static func list(_ names: [String]) -> String {
    names.prefix(8).joined(separator: ", ") + (names.count > 8 ? ", ..." : "")
  }
}
