/// By which rule a span belongs to its rollout and attempt.
///
/// The numbers are stored, so they never change. The lower number is the stronger evidence.
package enum TagRule: UInt8, Sendable, CaseIterable {
  /// Nothing says where the span belongs.
  case none = 0
  /// `agentlightning.*` attributes of the span or of its resource.
  case explicit = 1
  /// How the request came in: its path or its headers.
  case request = 2
  /// The W3C context of the span: tracestate or baggage.
  case context = 3
  /// A registered binding of the span or of one of its ancestors.
  case subtree = 4
  /// The nearest ancestor that has a tag of its own.
  case ancestor = 5
  /// The one rollout that its trace is known to belong to.
  case binding = 6
  /// A link to a span that has a tag.
  case link = 7
  /// A session that is registered for an attempt.
  case session = 8
  /// A rollout that was made for the trace or session.
  case auto = 9

  /// The name that documents, queries and views use.
  package var name: String {
    switch self {
    case .none: "none"
    case .explicit: "explicit"
    case .request: "request"
    case .context: "context"
    case .subtree: "subtree"
    case .ancestor: "ancestor"
    case .binding: "binding"
    case .link: "link"
    case .session: "session"
    case .auto: "auto"
    }
  }
}
