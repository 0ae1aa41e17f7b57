import JSON
import OTLP
import Protobuf
import Telemetry

/// What scanning a request came to.
enum ScanOutcome: Equatable {
  case clean([String])
  case unclean
  case malformed
}

/// Scans a request, in steps of `budget` bytes.
func scan(_ request: [UInt8], tag: RolloutTag = .unassigned, budget: Int = .max) -> ScanOutcome {
  do {
    let batch = try scannedBatch(request, tag: tag, budget: budget)
    return batch.map { .clean($0.facts(in: request)) } ?? .unclean
  } catch {
    return .malformed
  }
}

/// - Returns: `nil` for a request that is not clean.
func scannedBatch(_ request: [UInt8], tag: RolloutTag = .unassigned, budget: Int = .max) throws(ProtobufError)
  -> SpanBatch?
{
  var scanner = RequestScanner(requestTag: tag)
  while try !scanner.step(request.span, budget: budget) {}
  return scanner.isClean ? scanner.batch : nil
}

extension SpanBatch {
  /// One line a span with all that was found, for comparing.
  func facts(in request: [UInt8]) -> [String] {
    spans.enumerated().map { index, span in
      let name = request[Int(span.nameOffset)..<Int(span.nameOffset + span.nameLength)]
      let tag = tags[Int(span.tag)]
      let sessions = sessions.filter { $0.span == index }.map { "\($0.key.rawValue)=\($0.value)" }
      let links = links.filter { $0.span == index }.map { "\($0.traceID)-\($0.spanID)" }
      return [
        span.traceID.description, span.spanID.description, span.parentID.isValid ? span.parentID.description : "",
        String(decoding: name, as: UTF8.self), String(span.kind), String(span.startTime), String(span.endTime),
        String(span.statusCode), tag.rolloutID ?? "-", tag.attemptID ?? "-", tag.rule.name, String(span.sequence),
        String(span.inputTokens), String(span.outputTokens), contexts[Int(span.context)].service ?? "-",
        sessions.joined(separator: ","), links.joined(separator: ","),
      ].joined(separator: "|")
    }
  }
}

/// Says the same as `SpanBatch.facts`, from the decoded form of a fixture.
struct ExpectedFacts {
  private static let sessionKeys = [
    "session.id", "gen_ai.conversation.id", "openclaw.session_id", "openclaw.sessionKey",
  ]

  static func lines(_ decoded: JSONValue) -> [String] {
    list(decoded["resourceSpans"]).flatMap { resourceSpans in
      let resource = list(resourceSpans["resource"]?["attributes"])
      return list(resourceSpans["scopeSpans"]).flatMap { scopeSpans in
        list(scopeSpans["spans"]).map { line($0, resource) }
      }
    }
  }

  private static func line(_ span: JSONValue, _ resource: [JSONValue]) -> String {
    let own = list(span["attributes"])
    let rollout = text("agentlightning.rollout_id", own) ?? text("agentlightning.rollout_id", resource)
    let attempt = text("agentlightning.attempt_id", own) ?? text("agentlightning.attempt_id", resource)
    let sequence = text("agentlightning.span_sequence_id", own) ?? text("agentlightning.span_sequence_id", resource)
    let sessions = own.compactMap { attribute -> String? in
      guard rollout == nil, let number = sessionKeys.firstIndex(where: { attribute["key"] == .string($0) }) else {
        return nil
      }
      return scalar(attribute["value"]).map { "\(number + 1)=\($0)" }
    }
    let links = rollout != nil ? [] : list(span["links"]).map { "\(string($0["traceId"]))-\(string($0["spanId"]))" }
    return [
      string(span["traceId"]), string(span["spanId"]), string(span["parentSpanId"]), string(span["name"]),
      number(span["kind"]), number(span["startTimeUnixNano"]), number(span["endTimeUnixNano"]),
      number(span["status"]?["code"]), rollout ?? "-", attempt ?? "-", rollout ?? attempt == nil ? "none" : "explicit",
      sequence ?? "-1", text(["gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"], own) ?? "-1",
      text(["gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"], own) ?? "-1",
      text("service.name", resource) ?? "-", sessions.joined(separator: ","), links.joined(separator: ","),
    ].joined(separator: "|")
  }

  private static func text(_ key: String, _ attributes: [JSONValue]) -> String? { text([key], attributes) }

  private static func text(_ keys: [String], _ attributes: [JSONValue]) -> String? {
    attributes.last { attribute in keys.contains { attribute["key"] == .string($0) } }.flatMap { scalar($0["value"]) }
  }

  private static func scalar(_ value: JSONValue?) -> String? {
    let text = string(value?["stringValue"] ?? value?["intValue"])
    return text.isEmpty ? nil : text
  }

  private static func list(_ value: JSONValue?) -> [JSONValue] {
    if case .array(let elements)? = value { elements } else { [] }
  }

  private static func string(_ value: JSONValue?) -> String {
    switch value {
    case .string(let text)?: text
    case .integer(let number)?: String(number)
    default: ""
    }
  }

  private static func number(_ value: JSONValue?) -> String {
    let text = string(value)
    return text.isEmpty ? "0" : text
  }
}
