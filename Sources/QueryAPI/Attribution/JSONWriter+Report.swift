import JSON
import Telemetry
import TraceStore

// Why a span is where it is, as JSON.
extension JSONWriter {
  mutating func report(_ report: AttributionReport) {
    beginObject()
    key("traceId")
    string(report.traceID.description)
    key("spanId")
    string(report.spanID.description)
    key("variant")
    integer(report.variant)
    key("parentSpanId")
    optional(report.parentID?.description)
    key("rolloutId")
    optional(report.rolloutID)
    key("attemptId")
    optional(report.attemptID)
    key("rule")
    string(report.rule.name)
    key("sequence")
    if let sequence = report.sequence { integer(sequence) } else { null() }
    key("pending")
    bool(report.isPending)
    key("explanation")
    string(AttributionText.explanation(report))
    key("findings")
    beginArray()
    for found in report.findings { finding(found) }
    endArray()
    key("otherwise")
    otherwise(report.findings.dropFirst().first)
    key("contradictions")
    beginArray()
    for contradiction in report.contradictions {
      beginObject()
      place(contradiction)
      endObject()
    }
    endArray()
    endObject()
  }

  private mutating func finding(_ finding: AttributionReport.Finding) {
    beginObject()
    key("rule")
    string(finding.rule.name)
    place(finding.place)
    key("evidence")
    evidence(finding.evidence)
    key("text")
    string(AttributionText.sentence(finding))
    endObject()
  }

  /// Where the span would be without what holds now.
  private mutating func otherwise(_ finding: AttributionReport.Finding?) {
    beginObject()
    key("rule")
    string((finding?.rule ?? .none).name)
    place(finding?.place)
    endObject()
  }

  private mutating func evidence(_ evidence: AttributionReport.Evidence) {
    beginObject()
    key("kind")
    switch evidence {
    case .own: string("own")
    case .span(let traceID, let spanID, let rule):
      string("span")
      key("traceId")
      string(traceID.description)
      key("spanId")
      string(spanID.description)
      key("rule")
      string(rule.name)
    case .bindings(let bindings):
      string("bindings")
      list(bindings)
    case .trace(let bindings, let spans):
      string("trace")
      list(bindings)
      key("taggedSpans")
      integer(spans)
    case .session(let registration):
      string("session")
      key("session")
      session(registration)
    case .option(let option):
      string("option")
      key("autoRollout")
      string(option.rawValue)
    }
    endObject()
  }

  private mutating func list(_ bindings: [TraceBinding]) {
    key("bindings")
    beginArray()
    for each in bindings { binding(each) }
    endArray()
  }
}
