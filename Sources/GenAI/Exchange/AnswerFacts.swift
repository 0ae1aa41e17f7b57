/// What an answer said.
package struct AnswerFacts: Sendable, Hashable {
  package var id: String?
  package var model: String?
  /// By index.
  package var choices: [Choice] = []
  /// What ended each choice, in the provider's words; of the Responses API as the conventions derive it from the items.
  package var finishReasons: [String] = []
  /// `nil` when the provider reported none.
  package var usage: Usage?
  package var error: ProviderError?
  /// The tokens of the prompt, as vLLM counts them.
  package var promptTokenIDs: [Int64]?
  /// `status` of the Responses API.
  package var providerStatus: String?
  package var serviceTier: String?
  package var systemFingerprint: String?
  package var embeddings: Embeddings?

  /// Vectors, which are not recorded themselves.
  package struct Embeddings: Sendable, Hashable {
    package var count: Int
    /// Of the first vector; `nil` when it is of an unknown form.
    package var dimensions: Int?
  }

  package init() {}
}

/// One of the answers that a request can ask for.
package struct Choice: Sendable, Hashable {
  package var index: Int64
  /// In the provider's words.
  package var finishReason: String?
  package var parts: [MessagePart] = []
  /// The log probabilities of the tokens: the elements of `logprobs.content`, JSON objects separated by commas.
  package var logprobs: String?
  package var tokenIDs: [Int64]?

  package init(index: Int64) { self.index = index }

  /// All text; `nil` when there is none.
  package var text: String? {
    joined { if case .text(let text) = $0 { text } else { nil } }
  }

  /// `nil` unless the model refused.
  package var refusal: String? {
    joined { if case .refusal(let text) = $0 { text } else { nil } }
  }

  /// The visible reasoning; `nil` when there is none.
  package var reasoning: String? {
    joined { if case .reasoning(let text) = $0 { text } else { nil } }
  }

  package var toolCalls: [ToolCall] {
    parts.compactMap { if case .toolCall(let call) = $0 { call } else { nil } }
  }

  private func joined(_ text: (MessagePart) -> String?) -> String? {
    let texts = parts.compactMap(text)
    return texts.isEmpty ? nil : texts.joined()
  }
}

/// Tokens that a call has used; `nil` = not reported.
package struct Usage: Sendable, Hashable {
  /// Includes those that were cached.
  package var inputTokens: Int64?
  /// Includes reasoning.
  package var outputTokens: Int64?
  package var totalTokens: Int64?
  package var cacheReadInputTokens: Int64?
  package var cacheWriteInputTokens: Int64?
  package var reasoningOutputTokens: Int64?
  package var textInputTokens: Int64?
  package var imageInputTokens: Int64?
  package var audioInputTokens: Int64?
  package var textOutputTokens: Int64?
  package var imageOutputTokens: Int64?
  package var audioOutputTokens: Int64?

  package init() {}
}

/// An error that the provider reported.
package struct ProviderError: Sendable, Hashable {
  /// The status of the answer that carries it, which is 200 inside streams.
  package var httpStatus: Int
  package var type: String?
  /// A string, or the digits of a number.
  package var code: String?
  package var isCodeNumeric = false
  package var message: String?

  package init(httpStatus: Int) { self.httpStatus = httpStatus }

  /// The value of `error.type`: the provider's word for it, else a number.
  package var identifier: String {
    if let code, !isCodeNumeric { return code }
    return type ?? code ?? String(httpStatus)
  }
}
