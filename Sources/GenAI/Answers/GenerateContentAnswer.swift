import JSON

/// Answers of the Gemini API, where each record is a whole answer with what is new.
///
/// [GenerateContentResponse](https://ai.google.dev/api/generate-content#generatecontentresponse)
struct GenerateContentAnswer: AnswerAccumulator {
  static let layout = AnswerLayout(
    id: "responseId", model: "modelVersion", usage: "usageMetadata", choices: "candidates",
    finishReason: ["finishReason"], logprobs: ["logprobsResult"])

  var draft: AnswerDraft

  /// How the texts are cut into parts means nothing, so an index names any of them.
  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces {
    let place: AnswerPlace = ["content", "parts", .anyElement]
    switch part.kind {
    case .text, .refusal, .reasoning: return PartPlaces(text: [place + ["text"]])
    case .toolCall:
      let call = place + ["functionCall"]
      return PartPlaces(text: [call + ["args"]], name: [call + ["name"]], id: [call + ["id"]], isJSON: true)
    case .media: return PartPlaces(text: [place + ["inlineData", "data"]])
    case .serverToolCall, .serverToolResponse, .other: return PartPlaces(text: [place])
    }
  }

  /// A stream that is no event stream is an array of answers.
  mutating func read(body document: JSONDocument) {
    let root = JSONDocument.root
    guard document.kind(root) == .array else { return read(root, document) }
    for answer in document.items(root) { read(answer, document) }
  }

  mutating func read(record document: JSONDocument) { read(JSONDocument.root, document) }

  func finished() -> AnswerFacts { draft.finished(emptyArguments: "{}") }

  private mutating func read(_ answer: Int, _ document: JSONDocument) {
    draft.fail(ProviderError(document, document.value(answer, "error"), status: draft.status))
    draft.readIdentity(document, answer, id: "responseId", model: "modelVersion")
    draft.facts.usage = Usage(gemini: document, document.value(answer, "usageMetadata")) ?? draft.facts.usage
    for (position, candidate) in document.items(answer, "candidates").enumerated() {
      guard document.kind(candidate) == .object else { continue }
      let index = document.integer(candidate, "index") ?? Int64(position)
      guard let choice = draft.choice(index) else { continue }
      for part in document.items(document.value(candidate, "content"), "parts") { read(part: part, document, choice) }
      draft.setFinishReason(document.text(candidate, "finishReason"), choice: choice)
    }
  }

  private mutating func read(part place: Int, _ document: JSONDocument, _ choice: Int) {
    guard document.kind(place) == .object else { return }
    // Texts of one kind that follow one another are one: how they are cut means nothing.
    let (lastKind, lastKey) = (draft.choices[choice].parts.last?.kind, draft.choices[choice].parts.last?.key)
    let nextKey = PartDraft.Key(major: Int64(draft.choices[choice].parts.count))
    if let text = document.value(place, "text") {
      let kind: PartDraft.Kind = document.flag(place, "thought") ? .reasoning : .text
      let key = lastKind == kind ? lastKey ?? nextKey : nextKey
      draft.append(document, text, to: key, kind, choice: choice)
    } else if let call = document.value(place, "functionCall") {
      guard let part = draft.part(nextKey, .toolCall, choice: choice) else { return }
      draft.name(part: part, choice: choice, id: document.text(call, "id"), name: document.text(call, "name"))
      if let arguments = document.value(call, "args") {
        draft.setJSON(document, arguments, ofPart: part, choice: choice)
      }
    } else if let data = document.value(place, "inlineData"), let base64 = document.value(data, "data"),
      document.isString(base64)
    {
      draft.appendMedia(
        document, base64: base64, mimeType: document.nonEmptyText(data, "mimeType"), to: nextKey, choice: choice)
    } else {
      guard let part = draft.part(nextKey, .other, choice: choice) else { return }
      draft.setItem(document, place, ofPart: part, choice: choice)
    }
  }
}
