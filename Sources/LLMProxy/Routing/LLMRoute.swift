import GenAI
import Transport

/// What a request asks of a provider.
enum LLMRoute: Hashable {
  /// A call that becomes a span.
  case call(ProviderAPI)
  /// The list of models, or one of them.
  case models
  /// Passed through without a span: token counts, stored responses.
  case passThrough(Upstream.Family)

  /// - Returns: `nil` for paths that providers do not have.
  init?(_ method: HTTPMethod, _ path: String) {
    switch (method, path) {
    case (.post, "/chat/completions"): self = .call(.chatCompletions)
    case (.post, "/completions"): self = .call(.completions)
    case (.post, "/responses"): self = .call(.responses)
    case (.post, "/embeddings"): self = .call(.embeddings)
    case (.post, "/messages"): self = .call(.messages)
    case (.post, "/messages/count_tokens"): self = .passThrough(.anthropic)
    case (.get, "/models"): self = .models
    case (.post, _) where path.hasPrefix("/models/"):
      guard let colon = path.lastIndex(of: ":") else { return nil }
      switch path[colon...] {
      case ":generateContent", ":streamGenerateContent": self = .call(.generateContent)
      case ":countTokens", ":embedContent", ":batchEmbedContents": self = .passThrough(.gemini)
      default: return nil
      }
    case (.get, _) where path.hasPrefix("/models/"): self = .models
    case (_, _) where path.hasPrefix("/responses/") && Self.isPassedOn(method): self = .passThrough(.openai)
    default: return nil
    }
  }

  /// Whether a method may be passed on where no route names it.
  ///
  /// `TRACE` makes a server answer with the request as it got it, and so with the provider's key
  /// ([RFC 9110, section 9.3.8](https://www.rfc-editor.org/rfc/rfc9110#section-9.3.8)); what others do is not known.
  static func isPassedOn(_ method: HTTPMethod) -> Bool {
    [.get, .head, .post, .put, .patch, .delete].contains(method)
  }

  /// The family of the API; `nil` when several have the path.
  var family: Upstream.Family? {
    switch self {
    case .call(let api): Upstream.Family(api)
    case .passThrough(let family): family
    case .models: nil
    }
  }
}

extension Upstream.Family {
  init(_ api: ProviderAPI) {
    switch api {
    case .chatCompletions, .responses, .completions, .embeddings: self = .openai
    case .messages: self = .anthropic
    case .generateContent: self = .gemini
    }
  }
}
