import JSON

// The older APIs of OpenAI.
extension RequestReader {
  /// Reads a request for [chat completions](https://platform.openai.com/docs/api-reference/chat/create).
  mutating func readChat() {
    let root = JSONDocument.root
    readCommon()
    facts.maxTokens = document.integer(root, "max_completion_tokens") ?? facts.maxTokens
    facts.reasoningLevel =
      document.nonEmptyText(root, "reasoning_effort")
      ?? document.nonEmptyText(document.value(root, "reasoning"), "effort")
    facts.outputType = outputType(document.value(root, "response_format"))
    guard includesContent else { return }
    for message in document.items(root, "messages") { append(chatMessage: message) }
    for tool in document.items(root, "tools") { append(tool: tool) }
    for function in document.items(root, "functions") { append(function: function, type: "function") }
  }

  /// Reads a request for [completions](https://platform.openai.com/docs/api-reference/completions/create).
  mutating func readCompletions() {
    readCommon()
    guard includesContent else { return }
    appendInputs(document.value(JSONDocument.root, "prompt"))
  }

  /// Reads a request for [embeddings](https://platform.openai.com/docs/api-reference/embeddings/create).
  mutating func readEmbeddings() {
    let root = JSONDocument.root
    facts.model = document.text(root, "model")
    facts.encodingFormats = document.nonEmptyText(root, "encoding_format").map { [$0] } ?? []
    facts.dimensions = document.integer(root, "dimensions")
    guard includesContent else { return }
    appendInputs(document.value(root, "input"))
  }

  /// A string, strings, tokens, or lists of tokens: each a message.
  private mutating func appendInputs(_ place: Int?) {
    guard let place else { return }
    let inputs = document.kind(place) == .array && document.integers(place) == nil ? document.items(place) : [place]
    for input in inputs {
      let part = document.isString(input) ? MessagePart.text(document.string(input)) : tokens(input)
      facts.messages.append(Message(role: "user", parts: [part]))
    }
  }

  private func tokens(_ place: Int) -> MessagePart { .other(type: "tokens", json: document.json(place)) }

  private mutating func append(chatMessage place: Int) {
    guard document.kind(place) == .object else { return }
    var message = Message(role: document.text(place, "role") ?? "user", name: document.nonEmptyText(place, "name"))
    for key in ["reasoning_content", "reasoning"] as [StaticString] where message.parts.isEmpty {
      if let reasoning = document.nonEmptyText(place, key) { message.parts.append(.reasoning(reasoning)) }
    }
    let content = openAIParts(document.value(place, "content"))
    if message.role == "tool" || message.role == "function" {
      let id = document.text(place, "tool_call_id") ?? (message.role == "function" ? message.name : nil)
      message.role = "tool"
      message.parts.append(.toolResponse(id: id, parts: content))
    } else {
      message.parts += content
    }
    if let refusal = document.nonEmptyText(place, "refusal") { message.parts.append(.refusal(refusal)) }
    for call in document.items(place, "tool_calls") { message.parts.append(toolCall(call)) }
    if let call = document.value(place, "function_call") { message.parts.append(toolCall(function: call, id: nil)) }
    facts.messages.append(message)
  }

  private func toolCall(_ place: Int) -> MessagePart {
    let id = document.text(place, "id")
    if let custom = document.value(place, "custom") {
      return .toolCall(
        ToolCall(id: id, name: document.text(custom, "name") ?? "", arguments: document.text(custom, "input") ?? ""))
    }
    return toolCall(function: document.value(place, "function") ?? place, id: id)
  }

  private func toolCall(function: Int, id: String?) -> MessagePart {
    let arguments = document.value(function, "arguments").map {
      document.isString($0) ? document.string($0) : document.json($0)
    }
    return .toolCall(ToolCall(id: id, name: document.text(function, "name") ?? "", arguments: arguments ?? ""))
  }

  private mutating func append(tool place: Int) {
    let type = document.text(place, "type") ?? "function"
    append(function: document.value(place, "function") ?? document.value(place, "custom") ?? place, type: type)
  }

  mutating func append(function place: Int, type: String) {
    let parameters = document.value(place, "parameters").map(document.json)
    facts.tools.append(
      ToolDefinition(
        type: type, name: document.text(place, "name") ?? type, description: document.text(place, "description"),
        parameters: parameters))
  }
}
