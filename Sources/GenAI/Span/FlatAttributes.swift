/// The attributes of the conventions before 1.28 and of OpenLLMetry, with one key for each piece of a message.
struct FlatAttributes {
  let exchange: Exchange
  let provider: String
  let hasContent: Bool

  func write(_ attributes: inout AttributeWriter) {
    attributes.text("gen_ai.system", provider)
    attributes.integer("gen_ai.usage.prompt_tokens", exchange.answer.usage?.inputTokens)
    attributes.integer("gen_ai.usage.completion_tokens", exchange.answer.usage?.outputTokens)
    attributes.integer("llm.usage.total_tokens", exchange.answer.usage?.totalTokens)
    guard hasContent else { return }
    writePrompts(&attributes)
    writeCompletions(&attributes)
    writeFunctions(&attributes)
  }

  private func writePrompts(_ attributes: inout AttributeWriter) {
    var index = 0
    let instructions = exchange.request.systemInstructions
    if !instructions.isEmpty {
      write(Message(role: "system", parts: instructions), instructions, &index, &attributes)
    }
    for message in exchange.request.messages {
      // Each result of a tool is a message of its own here.
      var others: [MessagePart] = []
      for part in message.parts {
        guard case .toolResponse(let id, let parts) = part else {
          others.append(part)
          continue
        }
        attributes.text("gen_ai.prompt.\(index).tool_call_id", id ?? "")
        write(message, parts, &index, &attributes)
      }
      if !others.isEmpty || message.parts.isEmpty { write(message, others, &index, &attributes) }
    }
  }

  private func write(
    _ message: Message, _ parts: [MessagePart], _ index: inout Int, _ attributes: inout AttributeWriter
  ) {
    let prefix = "gen_ai.prompt.\(index)"
    index += 1
    attributes.text("\(prefix).role", message.role)
    var calls = 0
    var said: [MessagePart] = []
    for part in parts {
      switch part {
      case .toolCall(let call):
        attributes.text("\(prefix).tool_calls.\(calls).id", call.id ?? "")
        attributes.text("\(prefix).tool_calls.\(calls).name", call.name)
        attributes.text("\(prefix).tool_calls.\(calls).arguments", call.arguments)
        calls += 1
      case .reasoning: break
      default: said.append(part)
      }
    }
    if !said.isEmpty || calls == 0 { attributes.text("\(prefix).content", Self.content(said)) }
  }

  private func writeCompletions(_ attributes: inout AttributeWriter) {
    for (index, choice) in exchange.answer.choices.enumerated() {
      let prefix = "gen_ai.completion.\(index)"
      attributes.text("\(prefix).role", "assistant")
      attributes.text("\(prefix).content", choice.text ?? choice.refusal ?? "")
      attributes.text("\(prefix).finish_reason", choice.finishReason)
    }
  }

  private func writeFunctions(_ attributes: inout AttributeWriter) {
    for (index, tool) in exchange.request.tools.enumerated() {
      let prefix = "gen_ai.request.functions.\(index)"
      attributes.text("\(prefix).name", tool.name)
      attributes.text("\(prefix).description", tool.description)
      attributes.text("\(prefix).parameters", tool.parameters ?? "{}")
    }
  }

  /// Text as it is; with anything else in it, the parts as JSON.
  private static func content(_ parts: [MessagePart]) -> String {
    var text = ""
    for part in parts {
      switch part {
      case .text(let piece), .refusal(let piece): text += piece
      case .other("json", let json): text += json
      default: return String(decoding: MessageJSON.make { $0.parts(parts) }, as: UTF8.self)
      }
    }
    return text
  }
}
