import QueryAPI
import Telemetry
import TraceStore

/// A diagnosis for people.
enum DoctorReport {
  static func text(_ diagnosis: RolloutDiagnosis) -> String {
    var text = findings(diagnosis) + "\n" + FieldList.render(fields(diagnosis), areSentences: true)
    if !diagnosis.attempts.isEmpty { text += "\n" + attempts(diagnosis.attempts) }
    if !diagnosis.unassigned.traces.isEmpty { text += "\n" + unassigned(diagnosis.unassigned) }
    return text
  }

  private static func findings(_ diagnosis: RolloutDiagnosis) -> String {
    let findings = diagnosis.findings
    guard !findings.isEmpty else { return "nothing is striking about this rollout\n" }
    return findings.map { finding in
      let level = finding.level == .problem ? "problem: " : "note: "
      return level + TextTable.wrapped(TextTable.printable(finding.text), at: level.count) + "\n"
    }.joined()
  }

  private static func fields(_ diagnosis: RolloutDiagnosis) -> [(name: String, value: String)] {
    let tally = diagnosis.tally
    let rules = diagnosis.rules.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.value) by \($0.key.name)" }
    return [
      ("rollout", diagnosis.rolloutID),
      ("status", diagnosis.rollout?.status.rawValue ?? "not registered"),
      ("spans", String(diagnosis.spans)),
      ("rules", rules.isEmpty ? "-" : rules.joined(separator: ", ")),
      ("calls of models", String(tally.llmCalls)),
      ("with token ids", String(tally.withTokenIDs)),
      ("with log-probabilities", String(tally.withLogProbabilities)),
      ("rewards", tally.lastReward.map { "\(tally.rewardSpans), the last one \($0)" } ?? "-"),
      ("sequence", sequence(diagnosis.sequence)),
      ("late spans", tally.late.map { String($0) } ?? "not known"),
      ("yet to be tagged", String(diagnosis.pendingRetagging)),
      (
        "refused spans",
        diagnosis.refusals.map { String($0.count) }
          ?? "only the server knows: GET /api/v1/refused, or /api/v1/rollouts/\(diagnosis.rolloutID)/diagnosis"
      ),
    ]
  }

  private static func sequence(_ sequence: SequenceReport) -> String {
    guard let first = sequence.first, let last = sequence.last else { return "-" }
    return "\(first) to \(last), \(sequence.missing) missing"
  }

  private static func attempts(_ attempts: [RolloutDiagnosis.Attempt]) -> String {
    let rows = attempts.map { attempt in
      [
        attempt.id ?? "(none)", attempt.registered?.status.rawValue ?? "-", String(attempt.spans),
        String(attempt.tally.llmCalls), attempt.tally.lastReward.map { "\($0)" } ?? "-",
        attempt.tally.late.map { String($0) } ?? "-", UTCTime.text(seconds: attempt.registered?.startTime),
        UTCTime.text(seconds: attempt.registered?.endTime),
      ]
    }
    return TextTable.render(
      ["ATTEMPT", "STATUS", "SPANS", "CALLS", "REWARD", "LATE", "STARTED", "ENDED"], rows, flexible: 0,
      dispensable: [6, 7])
  }

  private static func unassigned(_ unassigned: RolloutDiagnosis.Unassigned) -> String {
    let rows = unassigned.traces.map { trace in
      [
        trace.traceID.description, String(trace.spans), UTCTime.text(trace.startTime), UTCTime.text(trace.endTime),
        trace.service ?? "-", trace.sessions.isEmpty ? "-" : trace.sessions.joined(separator: ", "),
      ]
    }
    return TextTable.render(
      ["UNASSIGNED TRACE", "SPANS", "STARTED", "ENDED", "SERVICE", "SESSIONS"], rows, flexible: 5,
      // What it is of is told last: the end, the start, the service.
      dispensable: [3, 2, 4])
      + (unassigned.hasMore ? "and more\n" : "")
  }
}
