import JSON

/// [Anthropic messages](https://docs.anthropic.com/en/api/messages)
extension RequestReader {
  mutating func readMessages() {
    let root = JSONDocument.root
    readCommon()
    facts.stopSequences = stopSequences(document.value(root, "stop_sequences"))
    facts.reasoningLevel = document.nonEmptyText(document.value(root, "output_config"), "effort")
    guard includesContent else { return }
    facts.systemInstructions = anthropicParts(document.value(root, "system"))
    for message in document.items(root, "messages") { append(anthropicMessage: message) }
    for tool in document.items(root, "tools") { append(anthropicTool: tool) }
  }

  /// A message; the results of tools that lie in it become messages of the tool.
  private mutating func append(anthropicMessage place: Int) {
    guard document.kind(place) == .object else { return }
    let role = document.text(place, "role") ?? "user"
    let parts = anthropicParts(document.value(place, "content"))
    var message = Message(role: role)
    for part in parts {
      var partRole = role
      if case .toolResponse = part { partRole = "tool" }
      if partRole != message.role {
        if !message.parts.isEmpty { facts.messages.append(message) }
        message = Message(role: partRole)
      }
      message.parts.append(part)
    }
    if !message.parts.isEmpty || parts.isEmpty { facts.messages.append(message) }
  }

  private mutating func append(anthropicTool place: Int) {
    guard document.kind(place) == .object else { return }
    let type = document.text(place, "type") ?? "custom"
    facts.tools.append(
      ToolDefinition(
        type: type == "custom" ? "function" : type, name: document.text(place, "name") ?? type,
        description: document.text(place, "description"),
        parameters: document.value(place, "input_schema").map(document.json)))
  }

  /// A string, or an array of blocks.
  private func anthropicParts(_ content: Int?) -> [MessagePart] {
    guard let content else { return [] }
    if document.isString(content) { return [.text(document.string(content))] }
    return document.items(content).compactMap(anthropicPart)
  }

  private func anthropicPart(_ place: Int) -> MessagePart? {
    let type = document.text(place, "type") ?? ""
    switch type {
    case "text": return document.text(place, "text").map(MessagePart.text)
    case "thinking": return document.text(place, "thinking").map(MessagePart.reasoning)
    // Only the provider can read it.
    case "redacted_thinking": return nil
    case "image", "document": return anthropicMedia(place, modality: type)
    case "tool_use":
      let input = document.value(place, "input").map(document.json) ?? "{}"
      return .toolCall(
        ToolCall(id: document.text(place, "id"), name: document.text(place, "name") ?? "", arguments: input))
    case "tool_result":
      let parts = anthropicParts(document.value(place, "content"))
      return .toolResponse(id: document.text(place, "tool_use_id"), parts: parts)
    case "server_tool_use", "mcp_tool_use":
      return .serverToolCall(
        id: document.text(place, "id"), name: document.text(place, "name") ?? type, json: item(place))
    case _ where type.hasSuffix("_tool_result"):
      return .serverToolResponse(id: document.text(place, "tool_use_id"), json: item(place))
    default: return other(place)
    }
  }

  private func anthropicMedia(_ place: Int, modality: String) -> MessagePart {
    let source = document.value(place, "source")
    let mimeType = document.nonEmptyText(source, "media_type")
    switch document.text(source, "type") {
    case "base64":
      guard let data = document.text(source, "data") else { return other(place) }
      return .media(Media(modality: modality, mimeType: mimeType, source: self.source(base64: data)))
    case "url":
      guard let url = document.text(source, "url") else { return other(place) }
      return .media(Media(modality: modality, mimeType: mimeType, source: .uri(url)))
    case "file":
      guard let id = document.text(source, "file_id") else { return other(place) }
      return .media(Media(modality: modality, mimeType: mimeType, source: .file(id: id)))
    case "text": return document.text(source, "data").map(MessagePart.text) ?? other(place)
    default: return other(place)
    }
  }
}
