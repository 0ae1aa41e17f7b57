import JSON

// One span by the conventions for GenAI clients.
extension SpanComposition {
  func writeClientSpan(_ writer: inout SpanWriter) {
    let span = writer.beginMessage(2)
    let name = exchange.request.model.map { "\(operation) \($0)" } ?? operation
    writer.header(
      SpanWriter.Header(
        spanID: context.spanID, parentID: context.parentID, name: name, kind: .client, startTime: context.startTime,
        endTime: endTime, isParentRemote: context.parentID != nil), context)
    writeCallAttributes(&writer.attributes)
    writeRequestAttributes(&writer.attributes)
    writeResponseAttributes(&writer.attributes)
    writeUsageAttributes(&writer.attributes)
    if hasContent {
      writeContentAttributes(&writer.attributes)
      writeTokenAttributes(&writer.attributes)
    }
    writeOutcome(&writer)
    writer.endMessage(span)
  }

  /// What is known before the request is looked at, and how it ended.
  func writeCallAttributes(_ attributes: inout AttributeWriter) {
    attributes.text("gen_ai.operation.name", operation)
    attributes.text("gen_ai.provider.name", context.provider)
    attributes.text("server.address", context.serverAddress)
    attributes.integer("server.port", Int64(context.serverPort))
    attributes.text("error.type", errorType)
    attributes.integer("http.response.status_code", exchange.delivery.status.map(Int64.init))
    attributes.positive("http.request.resend_count", Int64(context.resendCount))
    if exchange.delivery.isTruncated { attributes.bool("fulgurite.recording.truncated", true) }
    for attribute in context.attributes {
      switch attribute.value {
      case .text(let text): attributes.text(attribute.key, text)
      case .integer(let integer): attributes.integer(attribute.key, integer)
      }
    }
  }

  func writeRequestAttributes(_ attributes: inout AttributeWriter) {
    let request = exchange.request
    attributes.text("gen_ai.request.model", request.model)
    if request.isStream { attributes.bool("gen_ai.request.stream", true) }
    attributes.double("gen_ai.request.temperature", request.temperature)
    attributes.double("gen_ai.request.top_p", request.topP)
    writeTopK(&attributes)
    attributes.double("gen_ai.request.frequency_penalty", request.frequencyPenalty)
    attributes.double("gen_ai.request.presence_penalty", request.presencePenalty)
    attributes.integer("gen_ai.request.max_tokens", request.maxTokens)
    attributes.integer("gen_ai.request.seed", request.seed)
    if request.choiceCount != 1 { attributes.integer("gen_ai.request.choice.count", request.choiceCount) }
    attributes.texts("gen_ai.request.stop_sequences", request.stopSequences)
    attributes.text("gen_ai.request.reasoning.level", request.reasoningLevel)
    attributes.text("gen_ai.request.previous_response.id", request.previousResponseID)
    attributes.texts("gen_ai.request.encoding_formats", request.encodingFormats)
    attributes.text("gen_ai.output.type", request.outputType)
    attributes.text("gen_ai.conversation.id", request.conversationID)
    writeOpenAIRequestAttributes(&attributes)
  }

  /// An integer since 1.42 of the conventions, where it is one.
  private func writeTopK(_ attributes: inout AttributeWriter) {
    guard let topK = exchange.request.topK else { return }
    if let integer = Int64(exactly: topK) {
      attributes.integer("gen_ai.request.top_k", integer)
    } else {
      attributes.double("gen_ai.request.top_k", topK)
    }
  }

  private func writeOpenAIRequestAttributes(_ attributes: inout AttributeWriter) {
    switch exchange.api {
    case .chatCompletions: attributes.text("openai.api.type", "chat_completions")
    case .responses: attributes.text("openai.api.type", "responses")
    case .completions: break
    default: return
    }
    if exchange.request.serviceTier != "auto" {
      attributes.text("openai.request.service_tier", exchange.request.serviceTier)
    }
    attributes.text("openai.response.service_tier", exchange.answer.serviceTier)
    attributes.text("openai.response.system_fingerprint", exchange.answer.systemFingerprint)
  }

  func writeResponseAttributes(_ attributes: inout AttributeWriter) {
    let answer = exchange.answer
    attributes.text("gen_ai.response.id", answer.id)
    attributes.text("gen_ai.response.model", answer.model)
    attributes.texts("gen_ai.response.finish_reasons", answer.finishReasons.map(reportedFinishReason))
    if exchange.api == .messages, let reason = answer.finishReasons.first {
      attributes.text("anthropic.message.stop_reason", reason)
    }
    if exchange.api == .embeddings {
      let dimensions = answer.embeddings?.dimensions.map(Int64.init) ?? exchange.request.dimensions
      attributes.integer("gen_ai.embeddings.dimension.count", dimensions)
    }
    if let first = context.firstByteTime, exchange.delivery.events.map({ $0.records > 0 }) ?? false {
      attributes.double(
        "gen_ai.response.time_to_first_chunk", Double(max(0, first - context.startTime)) / 1_000_000_000)
    }
  }

  func writeUsageAttributes(_ attributes: inout AttributeWriter) {
    guard let usage = exchange.answer.usage else { return }
    attributes.integer("gen_ai.usage.input_tokens", usage.inputTokens)
    attributes.integer("gen_ai.usage.output_tokens", usage.outputTokens)
    attributes.positive("gen_ai.usage.cache_read.input_tokens", usage.cacheReadInputTokens)
    attributes.positive("gen_ai.usage.cache_write.input_tokens", usage.cacheWriteInputTokens)
    // The name until 1.41, by which it is still read.
    attributes.positive("gen_ai.usage.cache_creation.input_tokens", usage.cacheWriteInputTokens)
    attributes.positive("gen_ai.usage.reasoning.output_tokens", usage.reasoningOutputTokens)
    attributes.positive("gen_ai.usage.text.input_tokens", usage.textInputTokens)
    attributes.positive("gen_ai.usage.image.input_tokens", usage.imageInputTokens)
    attributes.positive("gen_ai.usage.audio.input_tokens", usage.audioInputTokens)
    attributes.positive("gen_ai.usage.text.output_tokens", usage.textOutputTokens)
    attributes.positive("gen_ai.usage.image.output_tokens", usage.imageOutputTokens)
    attributes.positive("gen_ai.usage.audio.output_tokens", usage.audioOutputTokens)
  }

  /// Messages and tools, as JSON.
  private func writeContentAttributes(_ attributes: inout AttributeWriter) {
    let request = exchange.request
    if !request.systemInstructions.isEmpty {
      attributes.text(
        "gen_ai.system_instructions", utf8: MessageJSON.make { $0.parts(request.systemInstructions) })
    }
    if !request.messages.isEmpty {
      attributes.text("gen_ai.input.messages", utf8: MessageJSON.make { $0.messages(request.messages) })
    }
    if !exchange.answer.choices.isEmpty {
      let reason = errorType == nil ? nil : "error"
      attributes.text(
        "gen_ai.output.messages",
        utf8: MessageJSON.make { $0.choices(exchange.answer.choices, reasonIfUnknown: reason) })
    }
    if !request.tools.isEmpty {
      attributes.text("gen_ai.tool.definitions", utf8: MessageJSON.make { $0.tools(request.tools) })
    }
  }

  /// What training needs, under the names that Agent Lightning reads; further choices have their index behind the name.
  func writeTokenAttributes(_ attributes: inout AttributeWriter) {
    attributes.integers("prompt_token_ids", exchange.answer.promptTokenIDs)
    for (position, choice) in exchange.answer.choices.enumerated() {
      let suffix = position == 0 ? "" : ".\(position)"
      attributes.integers("response_token_ids\(suffix)", choice.tokenIDs)
      if let logprobs = choice.logprobs { attributes.text("logprobs.content\(suffix)", "[\(logprobs)]") }
    }
  }

  /// A finish reason as the reference instrumentations of the providers' SDKs report it.
  private func reportedFinishReason(_ reason: String) -> String {
    switch exchange.api {
    case .messages: FinishReason.anthropic(reason)
    case .generateContent: FinishReason.gemini(reason)
    default: reason
    }
  }
}

/// Words for what ends an answer.
enum FinishReason {
  static func anthropic(_ reason: String) -> String {
    switch reason {
    case "end_turn", "stop_sequence": "stop"
    case "max_tokens": "length"
    case "tool_use": "tool_call"
    default: reason
    }
  }

  static func gemini(_ reason: String) -> String { reason == "MAX_TOKENS" ? "length" : reason.lowercased() }

  /// The words of output messages, from those of any provider.
  static func normalized(_ reason: String) -> String {
    switch reason {
    case "tool_calls", "function_call", "tool_use": "tool_call"
    case "max_output_tokens", "model_context_window_exceeded": "length"
    case "refusal", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST": "content_filter"
    case "pause_turn": "stop"
    case _ where reason == reason.uppercased(): gemini(reason)
    default: anthropic(reason)
    }
  }
}
