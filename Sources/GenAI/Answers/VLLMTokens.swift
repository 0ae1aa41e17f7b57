import JSON

/// Token ids, which vLLM and its relatives add to the answers of OpenAI's APIs.
///
/// [vLLM, `return_token_ids`](https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html)
enum VLLMTokens {
  /// Reads what stands beside the choices.
  static func read(_ document: JSONDocument, into draft: inout AnswerDraft) {
    let root = JSONDocument.root
    draft.setPromptTokenIDs(document.integers(document.value(root, "prompt_token_ids")), isInChoice: false)
    // Older, patched servers: one list for each choice.
    for (position, list) in document.items(root, "response_token_ids").enumerated() {
      guard let choice = draft.knownChoice(Int64(position)), draft.choices[choice].tokenIDs == nil else { continue }
      draft.appendTokenIDs(document.integers(list), choice: choice)
    }
  }

  /// Where the ids of a choice stand.
  static func places(below choice: AnswerPlace) -> [AnswerPlace] {
    [choice + ["token_ids"], choice + ["provider_specific_fields", "token_ids"], ["response_token_ids"]]
  }

  /// Reads what stands in a choice.
  static func read(_ document: JSONDocument, choice place: Int, into draft: inout AnswerDraft, _ choice: Int) {
    let specific = document.value(place, "provider_specific_fields")
    draft.setPromptTokenIDs(document.integers(document.value(place, "prompt_token_ids")), isInChoice: true)
    let ids = document.value(place, "token_ids") ?? document.value(specific, "token_ids")
    draft.appendTokenIDs(document.integers(ids), choice: choice)
  }
}
