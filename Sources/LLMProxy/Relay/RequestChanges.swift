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
    var members: [String] = []
    if upstream.asksForTokenIDs, isGeneration, !outline.hasReturnTokenIDs { members.append("\"return_token_ids\":true") }
    if upstream.asksForLogprobs, isGeneration, !outline.hasLogprobs {
      members.append(api == .completions ? "\"logprobs\":1" : "\"logprobs\":true")
    }
    let model = outline.model.flatMap { alias in upstream.models.first { $0.alias == alias } }
    guard let model, model.model != model.alias else {
      return members.isEmpty ? nil : outline.adding(members: members, to: body)
    }
    let renamed = outline.replacingModel(with: model.model, in: body)
    return members.isEmpty ? renamed : outline.adding(members: members, to: renamed)
  }

  /// Embeddings have no tokens to tell of, and other APIs have no such parameter.
  private var isGeneration: Bool { api == .chatCompletions || api == .completions }
}
