extension Exchange {
  /// Replaces what the patterns find in everything that was said.
  mutating func redact(_ redaction: Redaction) {
    guard !redaction.patterns.isEmpty else { return }
    var isPromptChanged = false
    for index in request.messages.indices {
      isPromptChanged = request.messages[index].redact(redaction) || isPromptChanged
    }
    isPromptChanged = request.systemInstructions.redact(redaction) || isPromptChanged
    for index in request.tools.indices {
      isPromptChanged = request.tools[index].redact(redaction) || isPromptChanged
    }
    for index in request.stopSequences?.indices ?? 0..<0 { _ = redaction.redact(&request.stopSequences![index]) }
    // The tokens spell out the text.
    if isPromptChanged { answer.promptTokenIDs = nil }
    for index in answer.choices.indices where answer.choices[index].parts.redact(redaction) {
      answer.choices[index].logprobs = nil
      answer.choices[index].tokenIDs = nil
    }
    if var message = answer.error?.message, redaction.redact(&message) { answer.error?.message = message }
  }
}

extension Message {
  fileprivate mutating func redact(_ redaction: Redaction) -> Bool {
    var isChanged = parts.redact(redaction)
    if var name, redaction.redact(&name) {
      self.name = name
      isChanged = true
    }
    return isChanged
  }
}

extension ToolDefinition {
  fileprivate mutating func redact(_ redaction: Redaction) -> Bool {
    var isChanged = false
    if var description, redaction.redact(&description) {
      self.description = description
      isChanged = true
    }
    if var parameters, redaction.redact(json: &parameters) {
      self.parameters = parameters
      isChanged = true
    }
    return isChanged
  }
}

extension [MessagePart] {
  fileprivate mutating func redact(_ redaction: Redaction) -> Bool {
    var isChanged = false
    for index in indices { isChanged = self[index].redact(redaction) || isChanged }
    return isChanged
  }
}

extension MessagePart {
  /// - Returns: Whether something was replaced.
  fileprivate mutating func redact(_ redaction: Redaction) -> Bool {
    var isChanged = false
    switch self {
    case .text(var text):
      isChanged = redaction.redact(&text)
      if isChanged { self = .text(text) }
    case .refusal(var text):
      isChanged = redaction.redact(&text)
      if isChanged { self = .refusal(text) }
    case .reasoning(var text):
      isChanged = redaction.redact(&text)
      if isChanged { self = .reasoning(text) }
    case .toolCall(var call):
      isChanged = redaction.redact(json: &call.arguments)
      if isChanged { self = .toolCall(call) }
    case .toolResponse(let id, var parts):
      isChanged = parts.redact(redaction)
      if isChanged { self = .toolResponse(id: id, parts: parts) }
    case .media(var media):
      // Base64 is not searched: what it holds is no text.
      guard case .uri(var uri) = media.source else { return false }
      isChanged = redaction.redact(&uri)
      media.source = .uri(uri)
      if isChanged { self = .media(media) }
    case .serverToolCall(let id, let name, var json):
      isChanged = redaction.redact(json: &json)
      if isChanged { self = .serverToolCall(id: id, name: name, json: json) }
    case .serverToolResponse(let id, var json):
      isChanged = redaction.redact(json: &json)
      if isChanged { self = .serverToolResponse(id: id, json: json) }
    case .other(let type, var json):
      isChanged = redaction.redact(json: &json)
      if isChanged { self = .other(type: type, json: json) }
    }
    return isChanged
  }
}
