import JSON

extension Usage {
  /// `usage` of OpenAI's APIs; the older ones speak of prompt and completion, the newer of input and output.
  init?(openAI document: JSONDocument, _ place: Int?) {
    guard let place, document.kind(place) == .object else { return nil }
    inputTokens = document.integer(place, "prompt_tokens") ?? document.integer(place, "input_tokens")
    outputTokens = document.integer(place, "completion_tokens") ?? document.integer(place, "output_tokens")
    totalTokens = document.integer(place, "total_tokens")
    let input = document.value(place, "prompt_tokens_details") ?? document.value(place, "input_tokens_details")
    // DeepSeek counts beside the details.
    cacheReadInputTokens =
      document.integer(input, "cached_tokens") ?? document.integer(place, "prompt_cache_hit_tokens")
    cacheWriteInputTokens = document.integer(input, "cache_write_tokens")
    textInputTokens = document.integer(input, "text_tokens")
    imageInputTokens = document.integer(input, "image_tokens")
    audioInputTokens = document.integer(input, "audio_tokens")
    let output =
      document.value(place, "completion_tokens_details") ?? document.value(place, "output_tokens_details")
    reasoningOutputTokens = document.integer(output, "reasoning_tokens")
    textOutputTokens = document.integer(output, "text_tokens")
    imageOutputTokens = document.integer(output, "image_tokens")
    audioOutputTokens = document.integer(output, "audio_tokens")
  }

  /// `usageMetadata` of the Gemini API, which counts thoughts apart from the answer.
  init?(gemini document: JSONDocument, _ place: Int?) {
    guard let place, document.kind(place) == .object else { return nil }
    inputTokens = document.integer(place, "promptTokenCount")
    let candidates = document.integer(place, "candidatesTokenCount")
    reasoningOutputTokens = document.integer(place, "thoughtsTokenCount")
    outputTokens =
      candidates == nil && reasoningOutputTokens == nil ? nil : Self.sum(candidates, reasoningOutputTokens)
    totalTokens = document.integer(place, "totalTokenCount")
    cacheReadInputTokens = document.integer(place, "cachedContentTokenCount")
    for details in document.items(place, "promptTokensDetails") {
      let count = document.integer(details, "tokenCount")
      switch document.text(details, "modality") {
      case "IMAGE": imageInputTokens = count
      case "AUDIO": audioInputTokens = count
      default: break
      }
    }
  }

  /// The sum of the counts that are known; what does not fit is not known.
  static func sum(_ counts: Int64?...) -> Int64? {
    var sum: Int64 = 0
    for count in counts {
      let (next, isOverflow) = sum.addingReportingOverflow(count ?? 0)
      guard !isOverflow else { return nil }
      sum = next
    }
    return sum
  }
}
