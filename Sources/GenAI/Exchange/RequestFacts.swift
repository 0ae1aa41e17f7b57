/// What a request asked for.
package struct RequestFacts: Sendable, Hashable {
  /// As the client wrote it.
  package var model: String?
  package var isStream = false
  package var temperature: Double?
  package var topP: Double?
  package var topK: Double?
  package var frequencyPenalty: Double?
  package var presencePenalty: Double?
  package var maxTokens: Int64?
  package var seed: Int64?
  /// How many answers are wanted.
  package var choiceCount: Int64?
  package var stopSequences: [String]?
  package var reasoningLevel: String?
  package var previousResponseID: String?
  package var conversationID: String?
  package var serviceTier: String?
  /// `json` or `text`.
  package var outputType: String?
  /// Of embeddings.
  package var encodingFormats: [String] = []
  package var dimensions: Int64?

  package var messages: [Message] = []
  /// Instructions that come outside the messages.
  package var systemInstructions: [MessagePart] = []
  package var tools: [ToolDefinition] = []

  package init() {}
}
