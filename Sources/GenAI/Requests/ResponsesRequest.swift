import JSON

/// [Responses](https://platform.openai.com/docs/api-reference/responses/create)
extension RequestReader {
  mutating func readResponses() {
    let root = JSONDocument.root
    readCommon()
    facts.maxTokens = document.integer(root, "max_output_tokens")
    facts.reasoningLevel = document.nonEmptyText(document.value(root, "reasoning"), "effort")
    facts.previousResponseID = document.nonEmptyText(root, "previous_response_id")
    facts.conversationID =
      document.nonEmptyText(root, "conversation")
      ?? document.nonEmptyText(document.value(root, "conversation"), "id")
    facts.outputType = outputType(document.value(document.value(root, "text"), "format"))
    guard includesContent else { return }
    facts.systemInstructions = openAIParts(document.value(root, "instructions"))
    if let input = document.text(root, "input") {
      facts.messages.append(Message(role: "user", parts: [.text(input)]))
    }
    for item in document.items(root, "input") { append(item: item) }
    for tool in document.items(root, "tools") {
      append(function: tool, type: document.text(tool, "type") ?? "function")
    }
  }

  private mutating func append(item: Int) {
    guard document.kind(item) == .object else { return }
    let type = document.text(item, "type") ?? "message"
    switch type {
    case "message":
      let role = document.text(item, "role") ?? "user"
      facts.messages.append(Message(role: role, parts: openAIParts(document.value(item, "content"))))
    case "function_call", "custom_tool_call":
      let arguments = document.text(item, type == "function_call" ? "arguments" : "input") ?? ""
      let name = document.text(item, "name") ?? ""
      appendToAssistant(.toolCall(ToolCall(id: document.text(item, "call_id"), name: name, arguments: arguments)))
    case "function_call_output", "custom_tool_call_output":
      let parts = openAIParts(document.value(item, "output"))
      facts.messages.append(
        Message(role: "tool", parts: [.toolResponse(id: document.text(item, "call_id"), parts: parts)]))
    case "reasoning":
      for summary in document.items(item, "summary") + document.items(item, "content") {
        if let text = document.text(summary, "text") { appendToAssistant(.reasoning(text)) }
      }
    case _ where type.hasSuffix("_call"):
      appendToAssistant(
        .serverToolCall(
          id: document.text(item, "id"), name: String(type.dropLast("_call".count)), json: self.item(item)))
    default: appendToAssistant(.other(type: type, json: self.item(item)))
    }
  }

  /// Items of the model that follow one another are one message.
  private mutating func appendToAssistant(_ part: MessagePart) {
    if let last = facts.messages.indices.last, facts.messages[last].role == "assistant" {
      facts.messages[last].parts.append(part)
    } else {
      facts.messages.append(Message(role: "assistant", parts: [part]))
    }
  }
}
