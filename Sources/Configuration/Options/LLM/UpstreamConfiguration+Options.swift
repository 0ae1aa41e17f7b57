extension UpstreamConfiguration {
  static let section = NamedSection(
    path: "llm.upstreams",
    documentation: "An upstream is a provider of LLMs, or a server of your own, that the proxy sends requests to. NAME "
      + "stands for its name: \(NamedSection.nameExpectation). In environment variables names are upper-case, with "
      + "underscores for hyphens. The proxy runs as soon as there is an upstream.",
    refusals: [
      "api_key":
        "keys are not settings, which people see in files and lists of processes; name the environment variable "
        + "that holds the key with api_key_env, or the file with api_key_file"
    ],
    options: { name in endpoint(name) + selection(name) + recording(name) + timing(name) })

  /// The path of its section: `llm.upstreams.openai`.
  var section: String { "\(Self.section.path).\(name)" }

  private static func endpoint(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "llm.upstreams.\(name).base_url", \.llm[upstream: name].baseURL, .upstreamURL,
        "Where the upstream is, such as https://api.openai.com or http://localhost:8000; /v1 at the end may be left out. "
          + "Required."),
      ConfigurationOption(
        "llm.upstreams.\(name).api", \.llm[upstream: name].configuredAPI, .guessable(.word()),
        "The API that it speaks. Empty guesses it from the host: anthropic at anthropic.com, gemini at "
          + "generativelanguage.googleapis.com, else openai, which most servers speak."),
      ConfigurationOption(
        "llm.upstreams.\(name).provider", \.llm[upstream: name].configuredProvider, .label,
        "The attribute gen_ai.provider.name of its spans. Empty guesses it from the host; for unknown hosts it is openai "
          + "where the name of an upstream with that API holds openai, else the name."),
      ConfigurationOption(
        "llm.upstreams.\(name).api_key_env", \.llm[upstream: name].apiKeyVariable, .environmentVariable,
        "The environment variable that holds its API key, such as OPENAI_API_KEY; never the key itself. Without a key "
          + "clients bring their own."),
      ConfigurationOption(
        "llm.upstreams.\(name).api_key_file", \.llm[upstream: name].apiKeyFile, .keyPath,
        "The file that holds its API key and nothing else, readable by its owner alone (chmod 600) or a systemd credential "
          + "(in $CREDENTIALS_DIRECTORY). It is read at start."),
      ConfigurationOption(
        "llm.upstreams.\(name).ca_file", \.llm[upstream: name].caFile, .path,
        "A PEM file of the certificate authorities that are trusted instead of the system's; empty means the system's."),
    ]
  }

  private static func selection(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "llm.upstreams.\(name).models", \.llm[upstream: name].models, .models,
        "The models that select the upstream: MODEL, or ALIAS=MODEL where clients use another name than the upstream. "
          + "Where several upstreams have the same, the first counts. Empty means that any model may be asked of it."),
      ConfigurationOption(
        "llm.upstreams.\(name).prefix", \.llm[upstream: name].configuredPrefix, .pathPrefix,
        "The first segment of the paths that select the upstream, such as /openai for /openai/v1/chat/completions. Empty "
          + "means / and its name."),
      ConfigurationOption(
        "llm.upstreams.\(name).paths", \.llm[upstream: name].paths, .pathPrefixes,
        "Prefixes of further paths that are passed through, such as /v1/files; calls of APIs that the proxy knows always "
          + "are."),
    ]
  }

  private static func recording(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "llm.upstreams.\(name).record", \.llm[upstream: name].record, .word(),
        "What of its calls is recorded: none (no span at all), metadata (a span without what was said) or content (all)."
      ),
      ConfigurationOption(
        "llm.upstreams.\(name).token_ids", \.llm[upstream: name].tokenIDs, .boolean,
        "Whether requests ask for token ids (return_token_ids), which vLLM gives and other servers may refuse."),
      ConfigurationOption(
        "llm.upstreams.\(name).logprobs", \.llm[upstream: name].logProbabilities, .boolean,
        "Whether requests ask for the log probabilities of tokens."),
      ConfigurationOption(
        "llm.upstreams.\(name).include_usage", \.llm[upstream: name].includesUsage, .boolean,
        "Whether requests for streams ask for the usage (stream_options.include_usage), which adds an event at the end."
      ),
      ConfigurationOption(
        "llm.upstreams.\(name).propagate_trace_context", \.llm[upstream: name].propagatesTraceContext, .boolean,
        "Whether it receives traceparent and tracestate with the span of the call; for servers of your own."),
    ]
  }

  private static func timing(_ name: String) -> [ConfigurationOption] {
    [
      ConfigurationOption(
        "llm.upstreams.\(name).connect_timeout", \.llm[upstream: name].connectTimeout, .positiveDuration,
        "How long a connection may take, with its TLS handshake."),
      ConfigurationOption(
        "llm.upstreams.\(name).ttfb_timeout", \.llm[upstream: name].firstByteTimeout, .positiveDuration,
        "How long the head of an answer may take after the request was sent; beyond it the client gets 504."),
      ConfigurationOption(
        "llm.upstreams.\(name).idle_timeout", \.llm[upstream: name].idleTimeout, .positiveDuration,
        "How long an answer may make no progress; beyond it the connection of the client is cut."),
      ConfigurationOption(
        "llm.upstreams.\(name).retries", \.llm[upstream: name].retries, .integer(0...10),
        "How often a request is sent again after 408, 409, 429, 5xx and failed connections, while nothing was answered. "
          + "Clients retry by themselves, and both multiply."),
    ]
  }
}
