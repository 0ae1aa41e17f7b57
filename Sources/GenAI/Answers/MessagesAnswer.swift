import JSON

/// Answers of Anthropic's Messages API.
///
/// [Messages](https://docs.anthropic.com/en/api/messages), [streaming](https://docs.anthropic.com/en/api/messages-streaming)
struct MessagesAnswer: AnswerAccumulator {
  var draft: AnswerDraft
  private var counts = TokenCounts()

  static let layout = AnswerLayout(roots: [[], ["message"]], finishReason: ["stop_reason"])

  init(draft: AnswerDraft) { self.draft = draft }

  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces {
    // The pieces have a record of their own each.
    let blocks = (layout.roots + ["content", .element(part.key.major)]) + [["content_block"]]
    let id = blocks + [part.kind == .serverToolResponse ? "tool_use_id" : "id"]
    switch part.kind {
    case .text, .refusal: return PartPlaces(text: (blocks + ["text"]) + [["delta", "text"]])
    case .reasoning: return PartPlaces(text: (blocks + ["thinking"]) + [["delta", "thinking"]])
    case .toolCall:
      return PartPlaces(
        text: (blocks + ["input"]) + [["delta", "partial_json"]], name: blocks + ["name"], id: id, isJSON: true)
    case .serverToolCall, .serverToolResponse, .media, .other:
      return PartPlaces(
        text: blocks + [["delta", "partial_json"]], name: part.kind == .serverToolCall ? blocks + ["name"] : [], id: id)
    }
  }

  mutating func read(body document: JSONDocument) {
    readError(document)
    guard document.text(JSONDocument.root, "type") != "error" else { return }
    read(message: JSONDocument.root, document)
  }

  mutating func read(record document: JSONDocument) {
    let root = JSONDocument.root
    readError(document)
    switch document.text(root, "type") {
    case "message_start": read(message: document.value(root, "message"), document)
    case "content_block_start":
      read(block: document.value(root, "content_block"), document.integer(root, "index") ?? 0, document, isWhole: false)
    case "content_block_delta":
      read(delta: document.value(root, "delta"), document.integer(root, "index") ?? 0, document)
    case "message_delta":
      let delta = document.value(root, "delta")
      if let choice = draft.choice(0) {
        draft.setFinishReason(document.text(delta, "stop_reason"), choice: choice)
      }
      read(usage: document.value(root, "usage"), document)
    case "message_stop": draft.isDone = true
    default: break
    }
  }

  func finished() -> AnswerFacts {
    // A tool without input has no pieces.
    draft.finished(emptyArguments: "{}")
  }

  private mutating func read(message: Int?, _ document: JSONDocument) {
    guard let message, document.kind(message) == .object else { return }
    draft.readIdentity(document, message, id: "id", model: "model")
    read(usage: document.value(message, "usage"), document)
    // A body that is no message has no answer in it.
    guard document.value(message, "content") != nil || draft.facts.id != nil, let choice = draft.choice(0) else {
      return
    }
    for (index, block) in document.items(message, "content").enumerated() {
      read(block: block, Int64(index), document, isWhole: true)
    }
    draft.setFinishReason(document.text(message, "stop_reason"), choice: choice)
  }

  private mutating func read(block: Int?, _ index: Int64, _ document: JSONDocument, isWhole: Bool) {
    guard let block, document.kind(block) == .object, let choice = draft.choice(0) else { return }
    let key = PartDraft.Key(major: index)
    let type = document.text(block, "type") ?? ""
    switch type {
    case "text": draft.append(document, document.value(block, "text"), to: key, .text, choice: choice)
    case "thinking": draft.append(document, document.value(block, "thinking"), to: key, .reasoning, choice: choice)
    case "redacted_thinking": break
    case "tool_use":
      guard let part = draft.part(key, .toolCall, choice: choice) else { return }
      draft.name(part: part, choice: choice, id: document.text(block, "id"), name: document.text(block, "name"))
      // In a stream it is empty here, and comes in pieces.
      guard let input = document.value(block, "input"), isWhole || document.end(input) > input + 1 else { return }
      draft.setJSON(document, input, ofPart: part, choice: choice)
    default: read(serverBlock: block, type, key, document, choice)
    }
  }

  /// Blocks about tools that the provider runs.
  private mutating func read(
    serverBlock block: Int, _ type: String, _ key: PartDraft.Key, _ document: JSONDocument, _ choice: Int
  ) {
    let isCall = type == "server_tool_use" || type == "mcp_tool_use"
    let isResult = type.hasSuffix("_tool_result")
    let kind: PartDraft.Kind = isCall ? .serverToolCall : isResult ? .serverToolResponse : .other
    guard let part = draft.part(key, kind, choice: choice) else { return }
    let id = document.text(block, isResult ? "tool_use_id" : "id")
    draft.name(part: part, choice: choice, id: id, name: isCall ? document.text(block, "name") : type)
    draft.setItem(document, block, ofPart: part, choice: choice)
  }

  private mutating func read(delta: Int?, _ index: Int64, _ document: JSONDocument) {
    guard let choice = draft.choice(0) else { return }
    let key = PartDraft.Key(major: index)
    switch document.text(delta, "type") {
    case "text_delta": draft.append(document, document.value(delta, "text"), to: key, .text, choice: choice)
    case "thinking_delta":
      draft.append(document, document.value(delta, "thinking"), to: key, .reasoning, choice: choice)
    case "input_json_delta":
      guard let part = draft.choices[choice].parts.lastIndex(where: { $0.key == key }),
        let piece = document.value(delta, "partial_json"), document.isString(piece)
      else { return }
      switch draft.choices[choice].parts[part].kind {
      case .toolCall: draft.append(document, piece, toPart: part, choice: choice)
      case .serverToolCall, .serverToolResponse, .other:
        draft.appendInput(document, piece, toPart: part, choice: choice)
      case .text, .refusal, .reasoning, .media: break
      }
    default: break
    }
  }

  /// Takes the counts that are there; they are sums, so the latest are right.
  private mutating func read(usage: Int?, _ document: JSONDocument) {
    guard let usage, document.kind(usage) == .object else { return }
    counts.input = document.integer(usage, "input_tokens") ?? counts.input
    counts.output = document.integer(usage, "output_tokens") ?? counts.output
    counts.cacheRead = document.integer(usage, "cache_read_input_tokens") ?? counts.cacheRead
    counts.cacheWrite = document.integer(usage, "cache_creation_input_tokens") ?? counts.cacheWrite
    let details = document.value(usage, "output_tokens_details")
    counts.thinking = document.integer(details, "thinking_tokens") ?? counts.thinking
    draft.facts.serviceTier = document.nonEmptyText(usage, "service_tier") ?? draft.facts.serviceTier
    draft.facts.usage = counts.usage
  }

  /// The counts in Anthropic's terms: the input does not include what the cache has to do with.
  private struct TokenCounts {
    var input: Int64?
    var output: Int64?
    var cacheRead: Int64?
    var cacheWrite: Int64?
    var thinking: Int64?

    var usage: Usage {
      var usage = Usage()
      usage.inputTokens = input == nil ? nil : Usage.sum(input, cacheRead, cacheWrite)
      usage.outputTokens = output
      usage.totalTokens = usage.inputTokens == nil || output == nil ? nil : Usage.sum(usage.inputTokens, output)
      usage.cacheReadInputTokens = cacheRead
      usage.cacheWriteInputTokens = cacheWrite
      usage.reasoningOutputTokens = thinking
      return usage
    }
  }
}
