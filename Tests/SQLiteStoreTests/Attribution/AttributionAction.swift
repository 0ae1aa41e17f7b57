import OTLP
import Telemetry
import TraceStore

/// Something that brings a fact, or takes one back.
enum AttributionAction: Hashable, Sendable {
  /// One batch: spans that came with what their request says.
  case append([AttributionModel.Span], AttributionModel.Words)
  case bind(NewBinding)
  case unbind(NewBinding)
  case register(NewSession)
  /// The registration of this session with this start.
  case unregister(NewSession)
}

extension AttributionModel {
  /// The facts after some actions.
  init(_ actions: some Sequence<AttributionAction>, autoRollout: AutoRollout = .off) {
    self.autoRollout = autoRollout
    for action in actions { take(action) }
  }

  mutating func take(_ action: AttributionAction) {
    switch action {
    case .append(let spans, let request): for span in spans { self.spans[span, default: []].insert(request) }
    case .bind(let binding): bindings.insert(binding)
    case .unbind(let binding): bindings.remove(binding)
    case .register(let session):
      sessions.removeAll { $0.hasPlace(of: session) }
      sessions.append(session)
    case .unregister(let session): sessions.removeAll { $0.hasPlace(of: session) }
    }
  }
}

extension NewSession {
  /// Whether one registration replaces the other.
  func hasPlace(of other: NewSession) -> Bool { session == other.session && from == other.from }
}

// MARK: - On the wire

extension AttributionModel.Span {
  private static let sessionAttributes: [(SpanSession.Key, String)] = [
    (.openClawSessionKey, "openclaw.sessionKey"), (.openClawSession, "openclaw.session_id"),
    (.conversation, "gen_ai.conversation.id"), (.session, "session.id"),
  ]

  var testSpan: TestSpan {
    var span = TestSpan(node.id.value)
    span.traceID = node.trace
    span.parentID = parent ?? SpanID(value: 0)
    span.name = name
    span.start = start
    span.end = start &+ 10
    span.traceState = traceState.members.isEmpty ? "" : "other=x,agl=\(traceState.members)"
    span.attributes = attributes.attributes("agentlightning.") + baggage.attributes("baggage.agentlightning.")
    if let sequence { span.attributes.append(("agentlightning.span_sequence_id", .int(sequence))) }
    for (key, attribute) in Self.sessionAttributes {
      if let value = sessions[key] { span.attributes.append((attribute, .string(value))) }
    }
    span.links = links.map { ($0.trace, $0.id) }
    return span
  }
}

extension AttributionModel.Words {
  fileprivate var members: String {
    [rollout.map { "r:\($0)" }, attempt.map { "a:\($0)" }].compactMap { $0 }.joined(separator: ";")
  }

  fileprivate func attributes(_ prefix: String) -> [(String, TestSpan.Value)] {
    var attributes: [(String, TestSpan.Value)] = []
    if let rollout { attributes.append((prefix + "rollout_id", .string(rollout))) }
    if let attempt { attributes.append((prefix + "attempt_id", .string(attempt))) }
    return attributes
  }
}

/// What the receiver makes of spans, each with a resource of its own.
func batch(_ spans: [AttributionModel.Span], _ request: AttributionModel.Words = .init()) throws -> SpanBatch {
  let bytes = spans.flatMap {
    exportRequest(resource: $0.resource.attributes("agentlightning."), scopes: [[$0.testSpan]])
  }
  let tag = RolloutTag(
    rolloutID: request.rollout, attemptID: request.attempt, rule: request == .init() ? .none : .request)
  return try batch(bytes, tag: tag)
}

// MARK: - For people

/// Short names of the ids of tests.
enum AttributionText {
  static func name(_ trace: TraceID) -> String {
    (UInt64(1)...9).first { TestSpan.traceID($0) == trace }.map { "t\($0)" } ?? trace.description
  }

  static func name(_ trace: TraceID, _ span: SpanID?) -> String {
    "\(name(trace))/\(span.map { String($0.value, radix: 16) } ?? "*")"
  }
}

extension AttributionModel.Words: CustomStringConvertible {
  var description: String { "(\(rollout ?? "-"), \(attempt ?? "-"))" }
}

extension AttributionModel.Tag: CustomStringConvertible {
  var description: String { "(\(rollout ?? "-"), \(attempt ?? "-")) by \(rule.name)" }
}

extension AttributionModel.Node: CustomStringConvertible {
  var description: String { AttributionText.name(trace, id) }
}

extension AttributionModel.Span: CustomStringConvertible {
  var description: String {
    var parts = ["\(name) \(node)"]
    if let parent { parts.append("parent \(String(parent.value, radix: 16))") }
    for (title, words) in [
      ("attributes", attributes), ("resource", resource), ("tracestate", traceState), ("baggage", baggage),
    ] where words != .init() {
      parts.append("\(title) \(words)")
    }
    for key in AttributionModel.sessionKeys {
      if let value = sessions[key] { parts.append("\(key) \(value)") }
    }
    if !links.isEmpty { parts.append("links \(links.map(\.description).joined(separator: " "))") }
    if let sequence { parts.append("sequence \(sequence)") }
    return parts.joined(separator: ", ") + ", start \(start)"
  }
}

extension AttributionAction: CustomStringConvertible {
  var description: String {
    switch self {
    case .append(let spans, let request):
      let title = request == .init() ? "append" : "append with request \(request)"
      return "\(title): \(spans.map(\.description).joined(separator: " | "))"
    case .bind(let binding): return "bind \(Self.text(binding))"
    case .unbind(let binding): return "unbind \(Self.text(binding))"
    case .register(let session): return "register \(Self.text(session))"
    case .unregister(let session): return "unregister \(session.session) from \(session.from)"
    }
  }

  private static func text(_ binding: NewBinding) -> String {
    let place = AttributionModel.Words(rollout: binding.rolloutID, attempt: binding.attemptID)
    return "\(AttributionText.name(binding.traceID, binding.spanID)) to \(place)"
  }

  private static func text(_ session: NewSession) -> String {
    let place = AttributionModel.Words(rollout: session.rolloutID, attempt: session.attemptID)
    return "\(session.session) [\(session.from), \(session.to.map(String.init) ?? "")) to \(place)"
  }
}
