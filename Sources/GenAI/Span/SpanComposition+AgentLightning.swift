import Telemetry

// The tree that Agent Lightning's adapters read with their default arguments.
//
// ```
// openai.chat.completion        gen_ai.* of both generations, token ids, log probabilities
//  |- raw_gen_ai_request        llm.hosted_vllm.*, only when there are token ids
//  '- tool_call.<name>          tool.*, one for each call
// ```
extension SpanComposition {
  func writeTree(_ writer: inout SpanWriter, _ newSpanID: () -> SpanID) {
    guard exchange.api != .embeddings else { return writeEmbeddingsSpan(&writer) }
    writeRoot(&writer)
    guard hasContent else { return }
    writeRawRequest(&writer, newSpanID)
    // Adapters that go by the tree see the calls of the first choice only, as there is one assistant message each.
    for call in exchange.answer.choices.first?.toolCalls ?? [] { write(call, &writer, newSpanID()) }
  }

  private func writeRoot(_ writer: inout SpanWriter) {
    let span = writer.beginMessage(2)
    writer.header(root(named: "openai.chat.completion"), context)
    writeCallAttributes(&writer.attributes)
    writeRequestAttributes(&writer.attributes)
    writeResponseAttributes(&writer.attributes)
    writeUsageAttributes(&writer.attributes)
    FlatAttributes(exchange: exchange, provider: context.provider, hasContent: hasContent)
      .write(&writer.attributes)
    if hasContent { writeTokenAttributes(&writer.attributes) }
    writeOutcome(&writer)
    writer.endMessage(span)
  }

  /// Without attributes `gen_ai.request.*` and `gen_ai.response.*`: by those an adapter would take it for a conversation
  /// without messages.
  private func writeEmbeddingsSpan(_ writer: inout SpanWriter) {
    let span = writer.beginMessage(2)
    writer.header(root(named: "openai.embeddings"), context)
    writeCallAttributes(&writer.attributes)
    writeUsageAttributes(&writer.attributes)
    let dimensions = exchange.answer.embeddings?.dimensions.map(Int64.init) ?? exchange.request.dimensions
    writer.attributes.integer("gen_ai.embeddings.dimension.count", dimensions)
    writer.attributes.text("fulgurite.embeddings.request.model", exchange.request.model)
    writer.attributes.text("fulgurite.embeddings.response.model", exchange.answer.model)
    writeOutcome(&writer)
    writer.endMessage(span)
  }

  private func root(named name: String) -> SpanWriter.Header {
    SpanWriter.Header(
      spanID: context.spanID, parentID: context.parentID, name: name, kind: .client, startTime: context.startTime,
      endTime: endTime, isParentRemote: context.parentID != nil)
  }

  /// The values are Python literals, which lists of integers in JSON are as well.
  private func writeRawRequest(_ writer: inout SpanWriter, _ newSpanID: () -> SpanID) {
    let choices = exchange.answer.choices.enumerated().filter { $0.element.tokenIDs != nil }
    guard let prompt = exchange.answer.promptTokenIDs, !choices.isEmpty else { return }
    let span = writer.beginMessage(2)
    writer.header(
      SpanWriter.Header(
        spanID: newSpanID(), parentID: context.spanID, name: "raw_gen_ai_request", kind: .internal,
        startTime: context.startTime, endTime: endTime), context)
    writer.attributes.text("llm.hosted_vllm.id", exchange.answer.id)
    writer.attributes.text("llm.hosted_vllm.prompt_token_ids", "\(prompt)")
    let texts = choices.map { "{'index': \($0.element.index), 'token_ids': \($0.element.tokenIDs ?? [])}" }
    writer.attributes.text("llm.hosted_vllm.choices", "[\(texts.joined(separator: ", "))]")
    writer.endMessage(span)
  }

  /// A moment at the end: when the tool runs is not known here.
  private func write(_ call: ToolCall, _ writer: inout SpanWriter, _ id: SpanID) {
    let span = writer.beginMessage(2)
    writer.header(
      SpanWriter.Header(
        spanID: id, parentID: context.spanID, name: "tool_call.\(call.name)", kind: .internal, startTime: endTime,
        endTime: endTime), context)
    writer.attributes.text("tool.name", call.name)
    writer.attributes.text("tool.parameters", call.arguments)
    // The adapter fails without an id, which old calls and some providers do not have.
    writer.attributes.text("tool.call.id", call.id ?? "")
    writer.attributes.text("tool.call.type", "function")
    writer.endMessage(span)
  }
}
