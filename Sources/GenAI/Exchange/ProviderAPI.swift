/// An API of a provider whose calls become spans.
///
/// The raw values are the names that the tests' ground truth uses.
package enum ProviderAPI: String, Sendable, CaseIterable {
  case chatCompletions = "openai.chat_completions"
  case responses = "openai.responses"
  case completions = "openai.completions"
  case embeddings = "openai.embeddings"
  case messages = "anthropic.messages"
  case generateContent = "gemini.generate_content"
}
