import JSON

/// Answers of OpenAI's Responses API.
///
/// The last record of a stream holds the whole answer, so facts come from there. Until then, and when it never comes, they
/// are made of the pieces.
/// [Responses](https://platform.openai.com/docs/api-reference/responses/object),
/// [streaming](https://platform.openai.com/docs/api-reference/responses-streaming)
struct ResponsesAnswer: AnswerAccumulator {
  var draft: AnswerDraft
  /// What ended the items that have ended, by their index.
  private var itemReasons: [Int64: String] = [:]
  private var incompleteReason: String?

  init(draft: AnswerDraft) { self.draft = draft }

  static let layout = AnswerLayout(
    roots: [[], ["response"]], logprobs: ["output", .anyElement, "content", .anyElement, "logprobs"],
    logprobsOfPieces: [["item", "content", .anyElement, "logprobs"], ["logprobs"]])

  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces {
    // The pieces have records of their own, and so has each item.
    let items = (layout.roots + ["output", .element(part.key.major)]) + [["item"]]
    let delta: [AnswerPlace] = [["delta"]]
    let position = AnswerPlace.Step.element(part.key.minor)
    switch part.kind {
    case .text: return PartPlaces(text: (items + ["content", position, "text"]) + delta)
    case .refusal: return PartPlaces(text: (items + ["content", position, "refusal"]) + delta)
    case .reasoning:
      let isSummary = part.key.minor < reasoningText
      let content: AnswerPlace = ["content", .element(part.key.minor &- reasoningText), "text"]
      return PartPlaces(text: (items + (isSummary ? ["summary", position, "text"] : content)) + delta)
    case .toolCall:
      return PartPlaces(
        text: (items + [.either("arguments", "input")]) + delta, name: items + ["name"], id: items + ["call_id"])
    case .serverToolCall, .serverToolResponse, .media, .other: return PartPlaces(text: items, id: items + ["id"])
    }
  }

  mutating func read(body document: JSONDocument) { read(response: JSONDocument.root, document) }

  mutating func read(record document: JSONDocument) {
    let root = JSONDocument.root
    guard let type = document.text(root, "type") else { return readError(document) }
    switch type {
    case "error":
      readError(document)
      // The error lies flat in the record.
      draft.fail(ProviderError(document, root, status: draft.status, isRecord: true))
    case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
      let response = document.value(root, "response")
      if !document.items(response, "output").isEmpty { forgetItems() }
      read(response: response, document)
      draft.isDone = true
      draft.carriesContent = false
    case "response.created", "response.in_progress", "response.queued":
      read(response: document.value(root, "response"), document)
    case "response.output_item.added", "response.output_item.done":
      guard let item = document.value(root, "item"), let index = document.integer(root, "output_index") else { return }
      let isDone = type == "response.output_item.done"
      // The item is whole now, and says what the pieces said.
      if isDone { draft.removeParts(major: index, choice: 0) }
      read(item: item, index, document, isDone: isDone)
      draft.carriesContent = false
    default: read(delta: type, document)
    }
  }

  func finished() -> AnswerFacts {
    var draft = draft
    let reasons = finishReasons
    draft.facts.finishReasons = reasons
    if !draft.choices.isEmpty {
      draft.setFinishReason(reasons.first { $0 == "tool_calls" } ?? reasons.first, choice: 0)
    }
    return draft.finished(emptyArguments: "")
  }

  private mutating func forgetItems() {
    draft.removeChoices()
    itemReasons = [:]
  }

  private mutating func read(response: Int?, _ document: JSONDocument) {
    guard let response, document.kind(response) == .object else { return }
    draft.fail(ProviderError(document, document.value(response, "error"), status: draft.status))
    draft.readIdentity(document, response, id: "id", model: "model")
    draft.facts.providerStatus = document.text(response, "status") ?? draft.facts.providerStatus
    draft.facts.serviceTier = document.nonEmptyText(response, "service_tier") ?? draft.facts.serviceTier
    draft.facts.usage = Usage(openAI: document, document.value(response, "usage")) ?? draft.facts.usage
    incompleteReason = document.text(document.value(response, "incomplete_details"), "reason") ?? incompleteReason
    guard draft.facts.id != nil || document.value(response, "output") != nil, draft.choice(0) != nil else { return }
    for (index, item) in document.items(response, "output").enumerated() {
      read(item: item, Int64(index), document, isDone: true)
    }
  }

  private mutating func read(item: Int, _ index: Int64, _ document: JSONDocument, isDone: Bool) {
    guard document.kind(item) == .object, let choice = draft.choice(0) else { return }
    let isCompleted = isDone && document.text(item, "status") ?? "completed" == "completed"
    let type = document.text(item, "type") ?? ""
    switch type {
    case "message":
      for (position, part) in document.items(item, "content").enumerated() {
        read(contentPart: part, PartDraft.Key(major: index, minor: Int64(position)), document, choice)
      }
      if isCompleted { itemReasons[index] = "stop" }
    case "function_call", "custom_tool_call":
      guard let part = draft.part(PartDraft.Key(major: index), .toolCall, choice: choice) else { return }
      draft.name(part: part, choice: choice, id: document.text(item, "call_id"), name: document.text(item, "name"))
      let arguments = document.value(item, type == "function_call" ? "arguments" : "input")
      if let arguments, document.isString(arguments) {
        draft.append(document, arguments, toPart: part, choice: choice)
      }
      if isCompleted { itemReasons[index] = "tool_calls" }
    case "reasoning":
      for (position, summary) in document.items(item, "summary").enumerated() {
        let key = PartDraft.Key(major: index, minor: Int64(position))
        draft.append(document, document.value(summary, "text"), to: key, .reasoning, choice: choice)
      }
      for (position, content) in document.items(item, "content").enumerated() {
        let key = PartDraft.Key(major: index, minor: Self.reasoningText + Int64(position))
        draft.append(document, document.value(content, "text"), to: key, .reasoning, choice: choice)
      }
    default:
      guard isDone else { return }
      let isCall = type.hasSuffix("_call")
      guard let part = draft.part(PartDraft.Key(major: index), isCall ? .serverToolCall : .other, choice: choice) else {
        return
      }
      let name = isCall ? String(type.dropLast("_call".count)) : type
      draft.name(part: part, choice: choice, id: document.text(item, "id"), name: name)
      draft.setItem(document, item, ofPart: part, choice: choice)
    }
  }

  /// Where the text of reasoning stands: behind its summaries.
  private static let reasoningText: Int64 = 1 << 32

  private mutating func read(contentPart: Int, _ key: PartDraft.Key, _ document: JSONDocument, _ choice: Int) {
    draft.append(document, document.value(contentPart, "text"), to: key, .text, choice: choice)
    draft.append(document, document.value(contentPart, "refusal"), to: key, .refusal, choice: choice)
    draft.appendLogprobs(document, document.value(contentPart, "logprobs"), choice: choice)
  }

  private mutating func read(delta type: String, _ document: JSONDocument) {
    let root = JSONDocument.root
    guard let delta = document.value(root, "delta"), let index = document.integer(root, "output_index") else { return }
    guard let choice = draft.choice(0) else { return }
    let content = document.integer(root, "content_index") ?? 0
    var key = PartDraft.Key(major: index, minor: content)
    switch type {
    // The log probabilities are taken from the whole item.
    case "response.output_text.delta": draft.append(document, delta, to: key, .text, choice: choice)
    case "response.refusal.delta": draft.append(document, delta, to: key, .refusal, choice: choice)
    case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
      draft.append(document, delta, to: PartDraft.Key(major: index), .toolCall, choice: choice)
    case "response.reasoning_summary_text.delta":
      key.minor = document.integer(root, "summary_index") ?? 0
      draft.append(document, delta, to: key, .reasoning, choice: choice)
    case "response.reasoning_text.delta":
      key.minor = Self.reasoningText &+ content
      draft.append(document, delta, to: key, .reasoning, choice: choice)
    default: break
    }
  }

  /// As the conventions' reference instrumentation derives them.
  private var finishReasons: [String] {
    switch draft.facts.providerStatus {
    case "failed", "cancelled": return ["error"]
    case "incomplete": return [incompleteReason == "max_output_tokens" ? "length" : incompleteReason ?? "incomplete"]
    default:
      var reasons: [String] = []
      for reason in itemReasons.sorted(by: { $0.key < $1.key }).map(\.value) where !reasons.contains(reason) {
        reasons.append(reason)
      }
      return reasons
    }
  }
}

extension ProviderError {
  /// Reads an `error` record whose members are those of the error; its `type` names the record.
  fileprivate init?(_ document: JSONDocument, _ record: Int, status: Int, isRecord: Bool) {
    self.init(document, record, status: status)
    if isRecord { type = nil }
  }
}
