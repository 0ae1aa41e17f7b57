import JSON

/// Writes messages as the GenAI conventions spell them in JSON.
///
/// [Input messages](https://github.com/open-telemetry/semantic-conventions-genai),
/// output messages, system instructions and tool definitions.
struct MessageJSON {
  private var writer = JSONWriter(reservingCapacity: 512)

  static func make(_ body: (inout MessageJSON) -> Void) -> [UInt8] {
    var json = MessageJSON()
    body(&json)
    return json.writer.bytes
  }

  mutating func messages(_ messages: [Message]) {
    writer.beginArray()
    for message in messages {
      writer.beginObject()
      member("role", message.role)
      writer.key("parts")
      parts(message.parts)
      if let name = message.name { member("name", name) }
      writer.endObject()
    }
    writer.endArray()
  }

  /// - Parameter reasonIfUnknown: The finish reason of choices that have none.
  mutating func choices(_ choices: [Choice], reasonIfUnknown: String?) {
    writer.beginArray()
    for choice in choices {
      writer.beginObject()
      member("role", "assistant")
      writer.key("parts")
      parts(choice.parts)
      if let reason = choice.finishReason.map(FinishReason.normalized) ?? reasonIfUnknown {
        member("finish_reason", reason)
      }
      writer.endObject()
    }
    writer.endArray()
  }

  mutating func tools(_ tools: [ToolDefinition]) {
    writer.beginArray()
    for tool in tools {
      writer.beginObject()
      member("type", tool.type)
      member("name", tool.name)
      if let description = tool.description { member("description", description) }
      if let parameters = tool.parameters { json("parameters", parameters) }
      writer.endObject()
    }
    writer.endArray()
  }

  mutating func parts(_ parts: [MessagePart]) {
    writer.beginArray()
    for part in parts { self.part(part) }
    writer.endArray()
  }

  private mutating func part(_ part: MessagePart) {
    // What the conventions have no words for stays as it came.
    if case .other(let type, let json) = part, type != "tokens", type != "json" { return value(json) }
    writer.beginObject()
    switch part {
    case .text(let text), .refusal(let text):
      member("type", "text")
      member("content", text)
    case .reasoning(let text):
      member("type", "reasoning")
      member("content", text)
    case .toolCall(let call):
      member("type", "tool_call")
      if let id = call.id { member("id", id) }
      member("name", call.name)
      json("arguments", call.arguments)
    case .toolResponse(let id, let parts):
      member("type", "tool_call_response")
      if let id { member("id", id) }
      response(parts)
    case .media(let media): self.media(media)
    case .serverToolCall(let id, let name, let json):
      member("type", "server_tool_call")
      if let id { member("id", id) }
      member("name", name)
      self.json("server_tool_call", json)
    case .serverToolResponse(let id, let json):
      member("type", "server_tool_call_response")
      if let id { member("id", id) }
      self.json("server_tool_call_response", json)
    case .other(let type, let json):
      member("type", type)
      self.json("content", json)
    }
    writer.endObject()
  }

  /// Text as a string, JSON as it is, all else as parts.
  private mutating func response(_ parts: [MessagePart]) {
    writer.key("response")
    if parts.count == 1, case .text(let text) = parts[0] {
      writer.string(text)
    } else if parts.count == 1, case .other("json", let json) = parts[0] {
      value(json)
    } else {
      self.parts(parts)
    }
  }

  private mutating func media(_ media: Media) {
    switch media.source {
    case .blob, .digest: member("type", "blob")
    case .uri: member("type", "uri")
    case .file: member("type", "file")
    }
    member("modality", media.modality)
    if let mimeType = media.mimeType { member("mime_type", mimeType) }
    switch media.source {
    case .blob(let base64): member("content", base64)
    case .digest(let byteCount, let sha256):
      member("content", "")
      writer.key("byte_count")
      writer.integer(Int64(byteCount))
      member("sha256", sha256)
    case .uri(let uri): member("uri", uri)
    case .file(let id): member("file_id", id)
    }
  }

  private mutating func member(_ name: StaticString, _ value: String) {
    writer.key(name)
    writer.string(value)
  }

  private mutating func json(_ name: StaticString, _ text: String) {
    writer.key(name)
    value(text)
  }

  /// JSON as it is; a string when it is none.
  private mutating func value(_ text: String) {
    let bytes = Array(text.utf8)
    if Self.isJSON(bytes.span) { writer.json(bytes.span) } else { writer.string(text) }
  }

  private static func isJSON(_ bytes: Span<UInt8>) -> Bool {
    var reader = JSONReader(bytes)
    do throws(JSONError) {
      try reader.skipValue()
      try reader.finish()
      return true
    } catch {
      return false
    }
  }
}
