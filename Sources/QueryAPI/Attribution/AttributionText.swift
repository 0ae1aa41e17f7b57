import Telemetry
import TraceStore

/// Says in words why a span is where it is.
enum AttributionText {
  /// A few sentences about one span.
  static func explanation(_ report: AttributionReport) -> String {
    var sentences: [String] = []
    if let first = report.findings.first {
      sentences.append("\(name(first.place)): \(reason(first)).")
      if let next = report.findings.dropFirst().first {
        sentences.append("Without that, \(name(next.place)): \(reason(next)).")
      } else {
        sentences.append("Without that, it would belong to no rollout.")
      }
    } else {
      sentences.append("Nothing says to which rollout it belongs.")
    }
    if !report.contradictions.isEmpty {
      let places = list(report.contradictions.map(name))
      sentences.append("What is known of its trace contradicts itself and counts for nothing: \(places).")
    }
    if report.isPending { sentences.append("It is yet to be tagged anew, and may show its former place.") }
    return sentences.joined(separator: " ")
  }

  /// A finding as a sentence.
  static func sentence(_ finding: AttributionReport.Finding) -> String {
    "\(name(finding.place)): \(reason(finding))"
  }

  private static func name(_ place: RolloutPlace) -> String {
    guard let attempt = place.attemptID else { return "rollout \(place.rolloutID)" }
    return "rollout \(place.rolloutID), attempt \(attempt)"
  }

  private static func reason(_ finding: AttributionReport.Finding) -> String {
    switch finding.evidence {
    case .own: own(finding.rule)
    case .span(let traceID, let spanID, let rule):
      finding.rule == .link
        ? "it links to span \(spanID) of trace \(traceID), which has that by the rule \(rule.name)"
        : "its nearest ancestor that says where it belongs is span \(spanID), by the rule \(rule.name)"
    case .bindings(let bindings): "\(numbers(bindings)) bound this span or an ancestor of it"
    case .trace(let bindings, let spans): trace(bindings, spans)
    case .session(let registration):
      "its session \(registration.new.session) was registered for the time at which it started "
        + "(registration \(registration.id))"
    case .option(let option): "attribution.auto_rollout is \(option.rawValue), and nothing else assigns it"
    }
  }

  private static func own(_ rule: TagRule) -> String {
    switch rule {
    case .explicit: "its attributes or those of its resource say so"
    case .request: "the path or the headers of the request that brought it say so"
    case .context: "its W3C context, tracestate or baggage, says so"
    default: "it says so itself"
    }
  }

  private static func trace(_ bindings: [TraceBinding], _ spans: Int64) -> String {
    var known: [String] = []
    if !bindings.isEmpty { known.append(numbers(bindings)) }
    if spans > 0 { known.append(spans == 1 ? "1 span that says so itself" : "\(spans) spans that say so themselves") }
    return "all that is known of its trace agrees on that: \(known.joined(separator: ", "))"
  }

  private static func numbers(_ bindings: [TraceBinding]) -> String {
    (bindings.count == 1 ? "binding " : "bindings ") + list(bindings.map { String($0.id) })
  }

  /// As many as help anybody; all of them stand beside the text.
  private static func list(_ names: [String]) -> String {
    let shown = names.prefix(8).joined(separator: ", ")
    return names.count <= 8 ? shown : "\(shown) and \(names.count - 8) more"
  }
}
