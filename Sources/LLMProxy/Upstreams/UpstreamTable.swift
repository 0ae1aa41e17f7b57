/// Finds the upstream of a request: by the path prefix, by the model, by the API, never by anything else that a caller
/// says.
struct UpstreamTable: Sendable {
  let upstreams: [Upstream]
  private let defaultName: String?

  init(_ upstreams: [Upstream], default name: String?) {
    self.upstreams = upstreams
    defaultName = name
  }

  /// The upstream that a path segment selects, such as `openai`.
  func selected(bySegment segment: Substring) -> Upstream? {
    upstreams.first { $0.prefix.dropFirst() == segment }
  }

  /// The upstream that declares a model, the first of several.
  func declaring(model: String) -> Upstream? {
    upstreams.first { upstream in upstream.models.contains { $0.alias == model } }
  }

  /// The upstream of requests that select none.
  ///
  /// The only one that speaks the API goes before the configured default, which goes before the only one at all.
  func fallback(_ family: Upstream.Family?) -> Upstream? {
    let speaking = upstreams.filter { $0.family == family }
    if speaking.count == 1 { return speaking[0] }
    if let preferred = upstreams.first(where: { $0.name == defaultName }) { return preferred }
    return upstreams.count == 1 ? upstreams[0] : nil
  }

  /// How a client can say which upstream it means.
  var prefixes: String { upstreams.map(\.prefix).joined(separator: ", ") }
}
