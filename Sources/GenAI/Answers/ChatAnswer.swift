import JSON

/// Answers of chat completions; a record says in `delta` what a body says in `message`.
///
/// [Chat completions](https://platform.openai.com/docs/api-reference/chat/object),
/// [chunks](https://platform.openai.com/docs/api-reference/chat-streaming)
struct ChatAnswer: AnswerAccumulator {
  var draft: AnswerDraft
  /// Whether the answer came at once: each call in it is whole, whatever its index says.
  private var isWhole = false

  init(draft: AnswerDraft) { self.draft = draft }

  static let layout = AnswerLayout(choices: "choices")

  // Where the parts of a message stand, whatever came first.
  private static let reasoning = PartDraft.Key(major: 0)
  /// Reasoning among the parts of `content`.
  private static let thinking = PartDraft.Key(major: 0, minor: 1)
  private static let text = PartDraft.Key(major: 1)
  private static let transcript = PartDraft.Key(major: 1, minor: 1)
  private static let refusal = PartDraft.Key(major: 2)
  private static let toolCalls: Int64 = 3
  /// The deprecated `function_call`: no call with an index is taken for it, and behind them it moves none of them.
  private static let functionCall = PartDraft.Key(major: 4)

  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces {
    let message: AnswerPlace = [.either("message", "delta")]
    switch part.key {
    case reasoning: return PartPlaces(text: [message + [.either("reasoning_content", "reasoning")]])
    case text, thinking: return PartPlaces(text: [message + ["content"]])
    case transcript: return PartPlaces(text: [message + ["audio", "transcript"]])
    case refusal: return PartPlaces(text: [message + ["refusal"]])
    default: break
    }
    if part.key.major == functionCall.major {
      let call = message + ["function_call"]
      return PartPlaces(text: [call + ["arguments"]], name: [call + ["name"]])
    }
    let call = message + ["tool_calls", .element(Int64(callPosition))]
    let functions = [call, call + [.either("function", "custom")]]
    return PartPlaces(
      text: functions + [.either("arguments", "input")], name: functions + ["name"], id: [call + ["id"]])
  }

  mutating func read(body: JSONDocument) {
    isWhole = true
    read(body, "message")
  }

  mutating func read(record: JSONDocument) { read(record, "delta") }

  private mutating func read(_ document: JSONDocument, _ message: StaticString) {
    let root = JSONDocument.root
    readError(document)
    draft.readIdentity(document, root, id: "id", model: "model")
    draft.facts.serviceTier = document.nonEmptyText(root, "service_tier") ?? draft.facts.serviceTier
    draft.facts.systemFingerprint = document.nonEmptyText(root, "system_fingerprint") ?? draft.facts.systemFingerprint
    // Counts are sums already, so the latest are right.
    draft.facts.usage = Usage(openAI: document, document.value(root, "usage")) ?? draft.facts.usage
    for (position, choice) in document.items(root, "choices").enumerated() {
      read(choice: choice, position, document, message)
    }
    VLLMTokens.read(document, into: &draft)
  }

  private mutating func read(choice place: Int, _ position: Int, _ document: JSONDocument, _ message: StaticString) {
    guard document.kind(place) == .object else { return }
    let index = document.integer(place, "index") ?? Int64(position)
    guard let choice = draft.choice(index) else { return }
    if let message = document.value(place, message) { read(message: message, document, choice) }
    draft.setFinishReason(document.text(place, "finish_reason"), choice: choice)
    let logprobs = document.value(place, "logprobs")
    draft.appendLogprobs(document, document.value(logprobs, "content"), choice: choice)
    VLLMTokens.read(document, choice: place, into: &draft, choice)
  }

  private mutating func read(message place: Int, _ document: JSONDocument, _ choice: Int) {
    let reasoning = document.value(place, "reasoning_content") ?? document.value(place, "reasoning")
    draft.append(document, reasoning, to: Self.reasoning, .reasoning, choice: choice)
    readContent(document.value(place, "content"), document, choice)
    draft.append(document, document.value(place, "refusal"), to: Self.refusal, .refusal, choice: choice)
    // What was spoken.
    let transcript = document.value(document.value(place, "audio"), "transcript")
    draft.append(document, transcript, to: Self.transcript, .text, choice: choice)
    for (position, call) in document.items(place, "tool_calls").enumerated() {
      let index = isWhole ? nil : document.integer(call, "index")
      let key = PartDraft.Key(major: Self.toolCalls, minor: index ?? Int64(position))
      read(toolCall: call, key, document, choice)
    }
    if let call = document.value(place, "function_call") { read(toolCall: call, Self.functionCall, document, choice) }
  }

  /// A string; some servers send parts.
  private mutating func readContent(_ content: Int?, _ document: JSONDocument, _ choice: Int) {
    guard let content else { return }
    draft.append(document, content, to: Self.text, .text, choice: choice)
    for part in document.items(content) {
      if let text = document.value(part, "text") {
        draft.append(document, text, to: Self.text, .text, choice: choice)
      } else if let thinking = document.value(part, "thinking") {
        for piece in [thinking] + document.items(thinking).compactMap({ document.value($0, "text") }) {
          draft.append(document, piece, to: Self.thinking, .reasoning, choice: choice)
        }
      }
    }
  }

  /// Reads a call or a piece of one.
  ///
  /// A new id where there is a call already begins another one: some servers give all calls the index 0.
  private mutating func read(toolCall place: Int, _ first: PartDraft.Key, _ document: JSONDocument, _ choice: Int) {
    guard document.kind(place) == .object else { return }
    let id = document.nonEmptyText(place, "id")
    let function = document.value(place, "function") ?? document.value(place, "custom") ?? place
    let key = Self.key(first, id: id, in: draft.choices[choice].parts)
    guard let part = draft.part(key, .toolCall, choice: choice) else { return }
    draft.name(part: part, choice: choice, id: id, name: document.text(function, "name"))
    guard let arguments = document.value(function, "arguments") ?? document.value(function, "input") else { return }
    if document.isString(arguments) {
      draft.append(document, arguments, toPart: part, choice: choice)
    } else {
      draft.setJSON(document, arguments, ofPart: part, choice: choice)
    }
  }

  /// Where the call stands among the parts: calls are in the order of their indices, whichever came first.
  ///
  /// - Parameter first: The key of the first call of that index.
  private static func key(_ first: PartDraft.Key, id: String?, in parts: [PartDraft]) -> PartDraft.Key {
    guard let last = parts.last(where: { $0.key.major == first.major && $0.key.minor == first.minor }) else {
      return first
    }
    var key = last.key
    if let id, let known = last.id, known != id { key.occurrence += 1 }
    return key
  }
}
