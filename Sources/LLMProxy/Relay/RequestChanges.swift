import GenAI

/// What the configuration wants changed in the body of a request; nothing, as a rule.
struct RequestChanges {
  private let upstream: Upstream
  private let api: ProviderAPI
  private let outline: RequestOutline

  init(_ upstream: Upstream, _ api: ProviderAPI, _ outline: RequestOutline) {
    self.upstream = upstream
    self.api = api
    self.outline = outline
  }

  /// The changed body; `nil` when nothing changes.
  func apply(to body: [UInt8]) -> [UInt8]? {
    var changed: [UInt8]?
    // An outline fits the body that it was made of alone.
    func change(_ edit: (RequestOutline, [UInt8]) -> [UInt8]) {
      let current = changed ?? body
      guard let outline = changed == nil ? outline : RequestOutline(current.span) else { return }
      changed = edit(outline, current)
    }
    if let model = outline.model.flatMap({ alias in upstream.models.first { $0.alias == alias } }),
      model.model != model.alias
    {
      change { outline, body in outline.replacingModel(with: model.model, in: body) }
    }
    if !members.isEmpty { change { outline, body in outline.adding(members: members, to: body) } }
    if asksForUsage { change { outline, body in outline.requestingUsage(in: body) } }
    return changed
  }

  /// Whether the stream carries a record with the usage that the client has not asked for.
  var asksForUsage: Bool {
    upstream.asksForUsage && isGeneration && outline.isStream && !outline.includesUsage
  }

  private var members: [(name: String, json: String)] {
    guard isGeneration else { return [] }
    var members: [(name: String, json: String)] = []
    if upstream.asksForTokenIDs, !outline.hasReturnTokenIDs { members.append(("return_token_ids", "true")) }
    if upstream.asksForLogprobs, !outline.hasLogprobs {
      members.append(("logprobs", api == .completions ? "1" : "true"))
    }
    return members
  }

  /// Embeddings have no tokens to tell of, and other APIs have no such parameter.
  private var isGeneration: Bool { api == .chatCompletions || api == .completions }
}
