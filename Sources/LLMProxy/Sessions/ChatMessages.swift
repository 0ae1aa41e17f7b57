import JSON

/// The messages of a call as those of chat completions, which templates of tokenizers take.
///
/// [GenAI messages](https://github.com/open-telemetry/semantic-conventions-genai) have parts; here these become `content`,
/// `reasoning_content`, `tool_calls`, and messages of the role `tool`. The same message becomes the same in an answer and
/// in the history of a later call, so that one call can be found to go on with another.
struct ChatMessages {
  private(set) var input: [JSONValue] = []
  private(set) var output: [JSONValue] = []

  init(_ attributes: InteractionAttributes) {
    input = Self.messages(attributes.input)
    output = Self.messages(attributes.output)
    if let instructions = attributes.instructions.flatMap(Self.parse) {
      let content = Self.content(Self.parts(instructions), isEmptyText: false)
      input.insert(.object([JSONMember("role", .string("system")), JSONMember("content", content)]), at: 0)
    }
    if input.isEmpty { input = Self.flat("gen_ai.prompt", attributes.flat) }
    if output.isEmpty { output = Self.flat("gen_ai.completion", attributes.flat) }
  }

  private static func parse(_ text: String) -> JSONValue? {
    try? JSONValue(parsing: Array(text.utf8).span)
  }

  private static func messages(_ text: String?) -> [JSONValue] {
    guard let text, case .array(let messages)? = parse(text) else { return [] }
    return messages.flatMap(chatMessages)
  }

  private static func parts(_ value: JSONValue?) -> [JSONValue] {
    switch value {
    case .array(let parts)?: parts
    case .string?: [value!]
    default: []
    }
  }

  // MARK: Messages with parts

  /// A message; the answers of tools each become one of their own.
  private static func chatMessages(_ message: JSONValue) -> [JSONValue] {
    guard message["parts"] != nil else { return [message] }
    let parts = parts(message["parts"])
    let role = message["role"]?.text ?? "user"
    var result = parts.filter { type($0) == "tool_call_response" }.map(toolMessage)
    let rest = parts.filter { type($0) != "tool_call_response" }
    if !rest.isEmpty || result.isEmpty { result.append(chatMessage(role, rest, name: message["name"])) }
    return result
  }

  private static func chatMessage(_ role: String, _ parts: [JSONValue], name: JSONValue?) -> JSONValue {
    let calls = parts.filter { type($0) == "tool_call" }
    let reasoning = parts.filter { type($0) == "reasoning" }.compactMap { $0["content"]?.text }
    var said = parts.filter { !["tool_call", "reasoning"].contains(type($0)) }
    // Beside calls, no text and an empty one are the same.
    if !calls.isEmpty { said.removeAll { type($0) == "text" && $0["content"]?.text == "" } }
    var members = [JSONMember("role", .string(role)), JSONMember("content", content(said, isEmptyText: calls.isEmpty))]
    if let name, name != .null { members.append(JSONMember("name", name)) }
    if !reasoning.isEmpty { members.append(JSONMember("reasoning_content", .string(reasoning.joined()))) }
    if !calls.isEmpty { members.append(JSONMember("tool_calls", .array(calls.map(toolCall)))) }
    return .object(members)
  }

  /// - Parameter isEmptyText: Whether nothing at all is an empty text.
  private static func content(_ parts: [JSONValue], isEmptyText: Bool) -> JSONValue {
    if parts.isEmpty { return isEmptyText ? .string("") : .null }
    if parts.count == 1 {
      if case .string = parts[0] { return parts[0] }
      if type(parts[0]) == "text", let content = parts[0]["content"] { return content }
    }
    return .array(parts.map(contentPart))
  }

  private static func contentPart(_ part: JSONValue) -> JSONValue {
    switch type(part) {
    case "text":
      return .object([JSONMember("type", .string("text")), JSONMember("text", part["content"] ?? .string(""))])
    case "uri" where part["modality"]?.text == "image":
      return image(part["uri"]?.text ?? "")
    case "blob" where part["modality"]?.text == "image" && part["content"] != nil:
      return image("data:\(part["mime_type"]?.text ?? "image/png");base64,\(part["content"]?.text ?? "")")
    default: return part
    }
  }

  private static func image(_ url: String) -> JSONValue {
    .object([
      JSONMember("type", .string("image_url")),
      JSONMember("image_url", .object([JSONMember("url", .string(url))])),
    ])
  }

  private static func toolCall(_ part: JSONValue) -> JSONValue {
    .object([
      JSONMember("id", part["id"] ?? .null), JSONMember("type", .string("function")),
      JSONMember(
        "function",
        .object([
          JSONMember("name", part["name"] ?? .string("")),
          JSONMember("arguments", .string(text(part["arguments"]) ?? "{}")),
        ])),
    ])
  }

  private static func toolMessage(_ part: JSONValue) -> JSONValue {
    .object([
      JSONMember("role", .string("tool")), JSONMember("tool_call_id", part["id"] ?? .null),
      JSONMember("content", .string(text(part["response"]) ?? "")),
    ])
  }

  /// A text, or the JSON of another value.
  private static func text(_ value: JSONValue?) -> String? {
    switch value {
    case nil, .null?: return nil
    case .string(let text)?: return text
    case let value?:
      var writer = JSONWriter()
      writer.value(value)
      return String(decoding: writer.bytes, as: UTF8.self)
    }
  }

  private static func type(_ part: JSONValue) -> String { part["type"]?.text ?? "" }

  // MARK: Flat attributes

  /// Messages from attributes such as `gen_ai.prompt.0.role`.
  private static func flat(_ prefix: String, _ attributes: [String: String]) -> [JSONValue] {
    var messages: [JSONValue] = []
    while true {
      let name = "\(prefix).\(messages.count)"
      guard attributes["\(name).role"] != nil || attributes["\(name).content"] != nil else { return messages }
      let calls = flatCalls("\(name).tool_calls", attributes)
      let content = attributes["\(name).content"]
      var members = [
        JSONMember("role", .string(attributes["\(name).role"] ?? "assistant")),
        JSONMember("content", content.map { .string($0) } ?? (calls.isEmpty ? .string("") : .null)),
      ]
      if let id = attributes["\(name).tool_call_id"] { members.append(JSONMember("tool_call_id", .string(id))) }
      if !calls.isEmpty { members.append(JSONMember("tool_calls", .array(calls))) }
      messages.append(.object(members))
    }
  }

  private static func flatCalls(_ prefix: String, _ attributes: [String: String]) -> [JSONValue] {
    var calls: [JSONValue] = []
    while let name = attributes["\(prefix).\(calls.count).name"] {
      let arguments = attributes["\(prefix).\(calls.count).arguments"] ?? "{}"
      calls.append(
        toolCall(
          .object([
            JSONMember("id", .string(attributes["\(prefix).\(calls.count).id"] ?? "")),
            JSONMember("name", .string(name)), JSONMember("arguments", .string(arguments)),
          ])))
    }
    return calls
  }
}

extension JSONValue {
  /// The text of a string.
  fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
}
