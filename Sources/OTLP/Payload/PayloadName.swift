/// Attributes and events that hold what was said to a model and by it, or to a tool and by it.
///
/// [GenAI conventions](https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/), those before 1.37, and the
/// layouts of OpenLLMetry, OpenInference and LiteLLM. Names of models, parameters, usage and metrics are not among them.
enum PayloadName {
  private static let attributes: Set<String> = [
    "gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.definitions",
    "gen_ai.tool.call.arguments", "gen_ai.tool.call.result", "gen_ai.prompt", "gen_ai.completion",
    "gen_ai.content.prompt", "gen_ai.content.completion", "gen_ai.input", "gen_ai.output",
    "traceloop.entity.input", "traceloop.entity.output", "input.value", "output.value", "llm.prompts",
    "llm.completions", "llm.input_messages", "llm.output_messages", "prompt_token_ids", "response_token_ids",
  ]

  private static let prefixes = [
    "gen_ai.prompt.", "gen_ai.completion.", "llm.prompts.", "llm.completions.", "llm.input_messages.",
    "llm.output_messages.", "llm.hosted_vllm.", "llm.openai.", "llm.anthropic.", "gen_ai.input.messages.",
    "gen_ai.output.messages.", "prompt_token_ids.", "response_token_ids.",
  ]

  private static let events: Set<String> = [
    "gen_ai.content.prompt", "gen_ai.content.completion", "gen_ai.system.message", "gen_ai.user.message",
    "gen_ai.assistant.message", "gen_ai.tool.message", "gen_ai.choice",
    "gen_ai.client.inference.operation.details",
  ]

  /// Whether an attribute of this key is a prompt or a completion.
  static func isAttribute(_ key: String) -> Bool {
    attributes.contains(key) || prefixes.contains(where: key.hasPrefix)
  }

  /// Whether the attributes of an event of this name are prompts or completions.
  static func isEvent(_ name: String) -> Bool { events.contains(name) }
}
