package import Credentials

/// One provider of LLMs, or a server of one's own, that the proxy sends requests to.
package struct UpstreamConfiguration: Sendable, Equatable {
  /// What of its calls is recorded.
  package enum Record: String, CaseIterable, Sendable {
    /// No span at all.
    case none
    /// A span without what was said.
    case metadata
    /// All of it.
    case content
  }

  /// What the user calls it.
  package let name: String
  /// Where it is; a loaded configuration never has it empty.
  ///
  /// Default empty, environment `FULGURITE_LLM_UPSTREAMS_NAME_BASE_URL`.
  package var baseURL = UpstreamURL()
  /// The API that it speaks; `nil` leaves ``api`` to guess it.
  ///
  /// Default `nil`, environment `FULGURITE_LLM_UPSTREAMS_NAME_API`.
  package var configuredAPI: UpstreamAPI?
  /// The attribute `gen_ai.provider.name` of its spans; empty leaves ``provider`` to guess it.
  ///
  /// Default empty, environment `FULGURITE_LLM_UPSTREAMS_NAME_PROVIDER`.
  package var configuredProvider = ""
  /// The environment variable that holds its API key; empty means none.
  ///
  /// Default empty, environment `FULGURITE_LLM_UPSTREAMS_NAME_API_KEY_ENV`.
  package var apiKeyVariable = ""
  /// The file that holds its API key; empty means none.
  ///
  /// Default empty, environment `FULGURITE_LLM_UPSTREAMS_NAME_API_KEY_FILE`.
  package var apiKeyFile = ""
  /// The API key that the loader found in ``apiKeyVariable`` or ``apiKeyFile``; `nil` when clients bring their own.
  package var apiKey: Secret?
  /// The models that select it; empty means that any model may be asked of it.
  ///
  /// Default none, environment `FULGURITE_LLM_UPSTREAMS_NAME_MODELS`.
  package var models: [ModelAlias] = []
  /// The first segment of the paths that select it; empty leaves ``prefix`` to make it of the name.
  ///
  /// Default empty, environment `FULGURITE_LLM_UPSTREAMS_NAME_PREFIX`.
  package var configuredPrefix = ""
  /// Further path prefixes that are passed through.
  ///
  /// Default none, environment `FULGURITE_LLM_UPSTREAMS_NAME_PATHS`.
  package var paths: [String] = []
  /// Whether token ids are asked for, as vLLM gives them.
  ///
  /// Default false, environment `FULGURITE_LLM_UPSTREAMS_NAME_TOKEN_IDS`.
  package var tokenIDs = false
  /// Whether log probabilities are asked for.
  ///
  /// Default false, environment `FULGURITE_LLM_UPSTREAMS_NAME_LOGPROBS`.
  package var logProbabilities = false
  /// Whether streams are asked for their usage.
  ///
  /// Default false, environment `FULGURITE_LLM_UPSTREAMS_NAME_INCLUDE_USAGE`.
  package var includesUsage = false
  /// Whether it receives the trace context of the span of the call.
  ///
  /// Default false, environment `FULGURITE_LLM_UPSTREAMS_NAME_PROPAGATE_TRACE_CONTEXT`.
  package var propagatesTraceContext = false
  /// What of its calls is recorded.
  ///
  /// Default `content`, environment `FULGURITE_LLM_UPSTREAMS_NAME_RECORD`.
  package var record = Record.content
  /// A PEM file of the certificate authorities that are trusted instead of the system's; empty means the system's.
  ///
  /// Default empty, environment `FULGURITE_LLM_UPSTREAMS_NAME_CA_FILE`.
  package var caFile = ""
  /// How long a connection may take, with its TLS handshake.
  ///
  /// Default 10 s, environment `FULGURITE_LLM_UPSTREAMS_NAME_CONNECT_TIMEOUT`.
  package var connectTimeout = Duration.seconds(10)
  /// How long the head of an answer may take after the request was sent.
  ///
  /// Default 600 s, environment `FULGURITE_LLM_UPSTREAMS_NAME_TTFB_TIMEOUT`.
  package var firstByteTimeout = Duration.seconds(600)
  /// How long an answer may make no progress.
  ///
  /// Default 600 s, environment `FULGURITE_LLM_UPSTREAMS_NAME_IDLE_TIMEOUT`.
  package var idleTimeout = Duration.seconds(600)
  /// How often a request that failed is sent again, while nothing was answered.
  ///
  /// Default 0, environment `FULGURITE_LLM_UPSTREAMS_NAME_RETRIES`.
  package var retries = 0

  /// The defaults for a name.
  package init(name: String) { self.name = name }
}
