import Telemetry
import TraceStore

/// What attribution should do, as plainly as it can be said: all facts, and everything computed from them each time.
///
/// Written from `docs/decisions/0011-attribution.md` alone, in its order; nothing here is fast.
struct AttributionModel: Sendable {
  /// A rollout and an attempt that something names, as far as it does.
  struct Words: Hashable, Sendable {
    var rollout: String?
    var attempt: String?
  }

  /// The ids of a span.
  struct Node: Hashable, Sendable {
    var trace: TraceID
    var id: SpanID
  }

  /// The contents of a span; spans with the same ids and different names are variants.
  struct Span: Hashable, Sendable {
    var node: Node
    /// Each span of a test has its own.
    var name: String
    var parent: SpanID?
    /// What its attributes say, and those of its resource.
    var attributes = Words()
    var resource = Words()
    /// Its W3C context.
    var traceState = Words()
    var baggage = Words()
    var sessions: [SpanSession.Key: String] = [:]
    var links: [Node] = []
    var start: UInt64 = 1_000
    /// A number of its own.
    var sequence: Int64?
  }

  struct Tag: Hashable, Sendable {
    var rollout: String?
    var attempt: String?
    /// That of the rollout, or of the attempt when there is no rollout.
    var rule: TagRule
  }

  /// A text and the rule that gave it.
  private struct Own {
    var text: String
    var rule: TagRule
  }

  // MARK: Facts

  /// What each span says, and what the requests said that it came with.
  var spans: [Span: Set<Words>] = [:]
  var bindings: Set<NewBinding> = []
  var sessions: [NewSession] = []
  var autoRollout = AutoRollout.off

  // MARK: The function

  /// The tag of each span, by its name.
  func tags() -> [String: Tag] {
    Dictionary(uniqueKeysWithValues: spans.keys.map { ($0.name, tag(of: $0)) })
  }

  /// - Parameter last: The weakest rule that may say something.
  func tag(of span: Span, upTo last: TagRule = .auto) -> Tag {
    let attempt = ownAttempt(of: span)
    if let rollout = ownRollout(of: span) {
      return Tag(rollout: rollout.text, attempt: attempt?.text, rule: rollout.rule)
    }
    for rule in Self.weakerRules where rule.rawValue <= last.rawValue {
      guard let place = place(of: span, by: rule) else { continue }
      return Tag(rollout: place.rolloutID, attempt: attempt?.text ?? place.attemptID, rule: rule)
    }
    return Tag(rollout: nil, attempt: attempt?.text, rule: attempt?.rule ?? .none)
  }

  /// The rules for spans without a rollout of their own.
  static let weakerRules: [TagRule] = [.subtree, .ancestor, .binding, .link, .session, .auto]

  func place(of span: Span, by rule: TagRule) -> RolloutPlace? {
    switch rule {
    case .none, .explicit, .request, .context: nil
    case .subtree, .ancestor: search(from: span).flatMap { $0.rule == rule ? $0.place : nil }
    case .binding: Self.agreement(evidence(ofTrace: span.node.trace))
    case .link: linked(span)
    case .session: sessionPlace(of: span)
    case .auto: autoPlace(of: span)
    }
  }

  // MARK: Places

  /// What places agree on; `nil` for none, and for places that contradict each other.
  static func agreement(_ places: [RolloutPlace]) -> RolloutPlace? {
    let rollouts = Set(places.map(\.rolloutID))
    let attempts = Set(places.compactMap(\.attemptID))
    guard rollouts.count == 1, attempts.count <= 1 else { return nil }
    return RolloutPlace(rolloutID: rollouts.first!, attemptID: attempts.first)
  }

  // MARK: Own tags, rules 1 to 3

  private func ownRollout(of span: Span) -> Own? { ownTag(of: span).rollout }
  private func ownAttempt(of span: Span) -> Own? { ownTag(of: span).attempt }

  private typealias OwnTag = (rollout: Own?, attempt: Own?)

  /// Of the tags that the repeats of a span bring one counts as a whole.
  private func ownTag(of span: Span) -> OwnTag {
    let tags = spans[span, default: [Words()]].map { request in
      (rollout: own(\.rollout, of: span, request), attempt: own(\.attempt, of: span, request))
    }
    return tags.min(by: counts) ?? (nil, nil)
  }

  private func counts(_ first: OwnTag, before second: OwnTag) -> Bool {
    for (one, other) in [(first.rollout, second.rollout), (first.attempt, second.attempt)] {
      // Without one, later than any rule.
      let rules = (one?.rule.rawValue ?? .max, other?.rule.rawValue ?? .max)
      if rules.0 != rules.1 { return rules.0 < rules.1 }
      let texts = (Array((one?.text ?? "").utf8), Array((other?.text ?? "").utf8))
      if texts.0 != texts.1 { return texts.0.lexicographicallyPrecedes(texts.1) }
    }
    return false
  }

  private func own(_ key: KeyPath<Words, String?>, of span: Span, _ request: Words) -> Own? {
    if let text = span.attributes[keyPath: key] ?? span.resource[keyPath: key] {
      return Own(text: text, rule: .explicit)
    }
    if let text = request[keyPath: key] { return Own(text: text, rule: .request) }
    let context = span.traceState[keyPath: key] ?? span.baggage[keyPath: key]
    return context.map { Own(text: $0, rule: .context) }
  }

  private func ownPlace(of span: Span) -> RolloutPlace? {
    ownRollout(of: span).map { RolloutPlace(rolloutID: $0.text, attemptID: ownAttempt(of: span)?.text) }
  }

  // MARK: Nodes

  func variants(of node: Node) -> [Span] { spans.keys.filter { $0.node == node } }

  func ownPlaces(at node: Node) -> [RolloutPlace] { variants(of: node).compactMap(ownPlace) }

  func bindings(at node: Node) -> [RolloutPlace] {
    bindings.filter { $0.traceID == node.trace && $0.spanID == node.id }.map(Self.place)
  }

  func parent(of node: Node) -> Node? {
    let id = variants(of: node).compactMap(\.parent).min { $0.value < $1.value }
    return id.map { Node(trace: node.trace, id: $0) }
  }

  private static func place(of binding: NewBinding) -> RolloutPlace {
    RolloutPlace(rolloutID: binding.rolloutID, attemptID: binding.attemptID)
  }

  // MARK: Subtree and ancestor, rules 4 and 5

  private func search(from span: Span) -> (rule: TagRule, place: RolloutPlace)? {
    var node = span.node
    var met: Set<Node> = []
    // A self parent was met before; of a missing parent only bindings tell.
    while met.insert(node).inserted {
      let own = node == span.node ? [] : ownPlaces(at: node)
      if !own.isEmpty { return Self.agreement(own).map { (.ancestor, $0) } }
      let bound = bindings(at: node)
      if !bound.isEmpty { return Self.agreement(bound).map { (.subtree, $0) } }
      let next = node == span.node ? span.parent.map { Node(trace: node.trace, id: $0) } : parent(of: node)
      guard let next else { return nil }
      node = next
    }
    return nil
  }

  // MARK: Binding, rule 6

  func evidence(ofTrace trace: TraceID) -> [RolloutPlace] {
    let nodes = Set(spans.keys.map(\.node).filter { $0.trace == trace })
    let own = nodes.flatMap(ownPlaces)
    let ofSpans = nodes.filter { ownPlaces(at: $0).isEmpty }.flatMap(bindings(at:))
    let ofTrace = bindings.filter { $0.traceID == trace && $0.spanID == nil }.map(Self.place)
    return own + ofSpans + ofTrace
  }

  // MARK: Link, rule 7

  static let followedLinks = 128

  private func linked(_ span: Span) -> RolloutPlace? {
    for target in span.links.prefix(Self.followedLinks) {
      let places = variants(of: target).compactMap { variant -> RolloutPlace? in
        let tag = tag(of: variant, upTo: .binding)
        return tag.rollout.map { RolloutPlace(rolloutID: $0, attemptID: tag.attempt) }
      }
      if let place = Self.agreement(places) { return place }
    }
    return nil
  }

  // MARK: Session, rule 8

  static let sessionKeys: [SpanSession.Key] = [.session, .conversation, .openClawSession, .openClawSessionKey]

  private func sessionPlace(of span: Span) -> RolloutPlace? {
    for key in Self.sessionKeys {
      let holding = sessions.filter {
        $0.session == span.sessions[key] && $0.from <= span.start && $0.to.map { span.start < $0 } ?? true
      }
      guard let latest = holding.max(by: { $0.from < $1.from }) else { continue }
      return RolloutPlace(rolloutID: latest.rolloutID, attemptID: latest.attemptID)
    }
    return nil
  }

  // MARK: Auto, rule 9

  private func autoPlace(of span: Span) -> RolloutPlace? {
    switch autoRollout {
    case .off: return nil
    case .trace: return RolloutPlace(rolloutID: "trace-\(span.node.trace)")
    case .session:
      let session = Self.sessionKeys.lazy.compactMap { span.sessions[$0] }.first
      return session.map { RolloutPlace(rolloutID: "session-\($0)") }
    }
  }
}
