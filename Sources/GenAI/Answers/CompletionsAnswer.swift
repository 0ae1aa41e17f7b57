import JSON

/// Answers of completions; records are like bodies.
///
/// [Completions](https://platform.openai.com/docs/api-reference/completions/object)
struct CompletionsAnswer: AnswerAccumulator {
  static let layout = AnswerLayout(choices: "choices")

  var draft: AnswerDraft

  static func places(of part: PartDraft, callPosition: Int) -> PartPlaces { PartPlaces(text: [["text"]]) }

  mutating func read(body: JSONDocument) { read(record: body) }

  mutating func read(record document: JSONDocument) {
    let root = JSONDocument.root
    readError(document)
    draft.readIdentity(document, root, id: "id", model: "model")
    draft.facts.systemFingerprint = document.nonEmptyText(root, "system_fingerprint") ?? draft.facts.systemFingerprint
    draft.facts.usage = Usage(openAI: document, document.value(root, "usage")) ?? draft.facts.usage
    for (position, place) in document.items(root, "choices").enumerated() {
      guard document.kind(place) == .object else { continue }
      let index = document.integer(place, "index") ?? Int64(position)
      guard let choice = draft.choice(index) else { continue }
      draft.append(document, document.value(place, "text"), to: PartDraft.Key(major: 0), .text, choice: choice)
      draft.setFinishReason(document.text(place, "finish_reason"), choice: choice)
      readLogprobs(document, document.value(place, "logprobs"), choice)
      VLLMTokens.read(document, choice: place, into: &draft, choice)
    }
    VLLMTokens.read(document, into: &draft)
  }

  /// `tokens` and `token_logprobs`, in the form that chat completions have.
  private mutating func readLogprobs(_ document: JSONDocument, _ place: Int?, _ choice: Int) {
    let tokens = document.items(place, "tokens")
    let values = document.items(place, "token_logprobs")
    for (token, value) in zip(tokens, values) where document.isString(token) {
      var writer = JSONWriter()
      writer.beginObject()
      writer.key("token")
      writer.json(document.bytes[document.text(token)].span)
      writer.key("logprob")
      writer.json(document.bytes[document.text(value)].span)
      writer.endObject()
      draft.appendLogprob(writer.bytes[...], choice: choice)
    }
  }
}
