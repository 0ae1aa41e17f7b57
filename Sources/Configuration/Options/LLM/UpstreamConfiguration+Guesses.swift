extension UpstreamConfiguration {
  /// The API that it speaks.
  package var api: UpstreamAPI { configuredAPI ?? UpstreamAPI(host: baseURL.host) }

  /// The attribute `gen_ai.provider.name` of its spans
  /// ([the names](https://opentelemetry.io/docs/specs/semconv/registry/attributes/gen-ai/)).
  package var provider: String {
    if !configuredProvider.isEmpty { return configuredProvider }
    if let known = Self.provider(host: baseURL.host) { return known }
    return api == .openai && name.contains("openai") ? "openai" : name
  }

  /// The first segment of the paths that select it, with its slash: `/openai`.
  package var prefix: String { configuredPrefix.isEmpty ? "/" + name : configuredPrefix }

  private static func provider(host: String) -> String? {
    switch host {
    case "api.openai.com": "openai"
    case _ where isDomain("anthropic.com", of: host): "anthropic"
    case "generativelanguage.googleapis.com": "gcp.gemini"
    case _ where host.hasSuffix(".openai.azure.com"): "azure.ai.openai"
    case "api.deepseek.com": "deepseek"
    case "api.groq.com": "groq"
    case "api.mistral.ai": "mistral_ai"
    case _ where host.hasPrefix("api.cohere."): "cohere"
    case "api.perplexity.ai": "perplexity"
    case "api.x.ai": "x_ai"
    case _ where host.hasPrefix("api.moonshot."): "moonshot_ai"
    default: nil
    }
  }
}
