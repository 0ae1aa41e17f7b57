/// One message of a conversation.
///
/// [GenAI input messages](https://github.com/open-telemetry/semantic-conventions-genai)
package struct Message: Sendable, Hashable {
  /// `system`, `user`, `assistant`, `tool`, or the provider's own.
  package var role: String
  /// The name of the participant.
  package var name: String?
  package var parts: [MessagePart]

  package init(role: String, name: String? = nil, parts: [MessagePart] = []) {
    self.role = role
    self.name = name
    self.parts = parts
  }
}

/// A piece of a message.
package indirect enum MessagePart: Sendable, Hashable {
  case text(String)
  /// The model declines; recorded as text.
  case refusal(String)
  case reasoning(String)
  case toolCall(ToolCall)
  case toolResponse(id: String?, parts: [MessagePart])
  case media(Media)
  /// A call of a tool that the provider runs itself; `json` is the item.
  case serverToolCall(id: String?, name: String, json: String)
  /// What such a tool gave; `json` is the item.
  case serverToolResponse(id: String?, json: String)
  /// Anything else, as JSON.
  case other(type: String, json: String)
}

/// A call of a function that the model asks for.
package struct ToolCall: Sendable, Hashable {
  package var id: String?
  package var name: String
  /// Exactly as the model wrote it; JSON if all went well.
  package var arguments: String

  package init(id: String?, name: String, arguments: String) {
    self.id = id
    self.name = name
    self.arguments = arguments
  }
}

/// An image, a sound, a film or a document.
package struct Media: Sendable, Hashable {
  package enum Source: Sendable, Hashable {
    /// Base64.
    case blob(String)
    /// A blob that is too large to record: the length of its base64 text, and the SHA-256 of that text.
    case digest(byteCount: Int, sha256: String)
    case uri(String)
    case file(id: String)
  }

  /// `image`, `audio`, `video` or `document`.
  package var modality: String
  package var mimeType: String?
  package var source: Source

  package init(modality: String, mimeType: String?, source: Source) {
    self.modality = modality
    self.mimeType = mimeType
    self.source = source
  }
}

/// A tool that the model may use.
package struct ToolDefinition: Sendable, Hashable {
  package var type: String
  package var name: String
  package var description: String?
  /// A JSON Schema as JSON.
  package var parameters: String?

  package init(type: String, name: String, description: String? = nil, parameters: String? = nil) {
    self.type = type
    self.name = name
    self.description = description
    self.parameters = parameters
  }
}
