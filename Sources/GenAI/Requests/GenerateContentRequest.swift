import JSON

/// [Gemini generateContent](https://ai.google.dev/api/generate-content)
extension RequestReader {
  mutating func readGenerateContent(path: String) {
    let target = path.prefix { $0 != "?" }
    let method = target.split(separator: ":").last
    facts.isStream = method?.hasPrefix("stream") ?? false
    facts.model = Self.model(in: target) ?? document.text(JSONDocument.root, "model")
    let root = JSONDocument.root
    let config = either(root, "generationConfig", "generation_config")
    facts.temperature = document.number(config, "temperature")
    facts.topP = document.number(config, "topP")
    facts.topK = document.number(config, "topK")
    facts.maxTokens = document.integer(config, "maxOutputTokens")
    facts.choiceCount = document.integer(config, "candidateCount")
    facts.seed = document.integer(config, "seed")
    facts.frequencyPenalty = document.number(config, "frequencyPenalty")
    facts.presencePenalty = document.number(config, "presencePenalty")
    facts.stopSequences = stopSequences(document.value(config, "stopSequences"))
    switch document.text(config, "responseMimeType") {
    case "application/json": facts.outputType = "json"
    case "text/plain": facts.outputType = "text"
    default: break
    }
    guard includesContent else { return }
    facts.systemInstructions = geminiParts(either(root, "systemInstruction", "system_instruction"))
    for content in document.items(root, "contents") { append(geminiContent: content) }
    for tool in document.items(root, "tools") {
      for function in document.items(either(tool, "functionDeclarations", "function_declarations")) {
        append(function: function, type: "function")
      }
    }
  }

  /// The API takes the names of fields in both spellings of proto3 JSON.
  private func either(_ object: Int?, _ camel: StaticString, _ snake: StaticString) -> Int? {
    document.value(object, camel) ?? document.value(object, snake)
  }

  /// The model in a path `.../models/{model}:{method}`.
  private static func model(in target: Substring) -> String? {
    let segments = target.split(separator: "/")
    guard let index = segments.lastIndex(of: "models"), index + 1 < segments.count else { return nil }
    let model = segments[index + 1].prefix { $0 != ":" }
    return model.isEmpty ? nil : String(model)
  }

  private mutating func append(geminiContent place: Int) {
    guard document.kind(place) == .object else { return }
    let role = document.text(place, "role") ?? "user"
    let parts = geminiParts(place)
    let isToolResponse = parts.contains { if case .toolResponse = $0 { true } else { false } }
    facts.messages.append(
      Message(role: isToolResponse ? "tool" : role == "model" ? "assistant" : role, parts: parts))
  }

  private func geminiParts(_ content: Int?) -> [MessagePart] {
    document.items(content, "parts").map(geminiPart)
  }

  private func geminiPart(_ place: Int) -> MessagePart {
    if let text = document.text(place, "text") {
      return document.flag(place, "thought") ? .reasoning(text) : .text(text)
    }
    if let call = either(place, "functionCall", "function_call") {
      let arguments = document.value(call, "args").map(document.json) ?? "{}"
      return .toolCall(
        ToolCall(id: document.text(call, "id"), name: document.text(call, "name") ?? "", arguments: arguments))
    }
    if let response = either(place, "functionResponse", "function_response") {
      let id = document.text(response, "id") ?? document.text(response, "name")
      let json = document.value(response, "response").map(document.json) ?? "{}"
      return .toolResponse(id: id, parts: [.other(type: "json", json: json)])
    }
    if let data = either(place, "inlineData", "inline_data"), let base64 = document.text(data, "data") {
      let mimeType = document.text(data, "mimeType") ?? document.text(data, "mime_type")
      return .media(
        Media(modality: Media.modality(ofMIMEType: mimeType), mimeType: mimeType, source: source(base64: base64)))
    }
    if let file = either(place, "fileData", "file_data"),
      let uri = document.text(file, "fileUri") ?? document.text(file, "file_uri")
    {
      let mimeType = document.text(file, "mimeType") ?? document.text(file, "mime_type")
      return .media(Media(modality: Media.modality(ofMIMEType: mimeType), mimeType: mimeType, source: .uri(uri)))
    }
    return other(place)
  }
}
