/// The proxy in front of LLM providers.
package struct LLMConfiguration: Sendable, Equatable {
  /// Which spans a call becomes.
  package enum SpanProfile: String, CaseIterable, Sendable {
    /// One span by OpenTelemetry's conventions for generative AI.
    case genai
    /// The tree of spans that Agent Lightning's adapters read.
    case agl
  }

  /// Whose `traceparent` makes the span of a call a child of the caller's span.
  package enum TraceContextTrust: String, CaseIterable, Sendable {
    case always
    /// That of callers who have shown a key, or who are on this machine while no key is needed.
    case trusted
    case never
  }

  /// The providers, in the order in which the sources name them first.
  package var upstreams: [UpstreamConfiguration] = []
  /// Which spans a call becomes.
  ///
  /// Default `genai`, environment `FULGURITE_LLM_SPAN_PROFILE`.
  package var spanProfile = SpanProfile.genai
  /// The name of the upstream of requests that select none; empty for none.
  ///
  /// Default empty, environment `FULGURITE_LLM_DEFAULT_UPSTREAM`.
  package var defaultUpstream = ""
  /// Whose trace context is continued; that of others becomes a link.
  ///
  /// Default `trusted`, environment `FULGURITE_LLM_TRUST_TRACE_CONTEXT`.
  package var trustTraceContext = TraceContextTrust.trusted
  /// The headers that may name the session of a request, in lower case; the first that is there counts.
  ///
  /// Default `agent-session-id` and `x-session-id`, environment `FULGURITE_LLM_SESSION_HEADER`.
  package var sessionHeaders = ["agent-session-id", "x-session-id"]
  /// For how long an answer is read on for recording after its client has left; 0 means not at all.
  ///
  /// Default 0, environment `FULGURITE_LLM_DRAIN_ON_DISCONNECT`.
  package var drainOnDisconnect = Duration.zero
  /// How long an answer may take from its first byte to its last.
  ///
  /// Default 1 h, environment `FULGURITE_LLM_MAX_STREAM_DURATION`.
  package var maximumStreamDuration = Duration.seconds(3600)
  /// The largest request body in bytes.
  ///
  /// Default 32 MiB, environment `FULGURITE_LLM_REQUEST_BYTES`.
  package var requestBytes = 32 << 20
  /// The decoded bytes of an answer that are read for recording; what follows is relayed all the same.
  ///
  /// Default 8 MiB, environment `FULGURITE_LLM_RECORDED_ANSWER_BYTES`.
  package var recordedAnswerBytes = 8 << 20
  /// The bytes of one record of an event stream that are read for recording.
  ///
  /// Default 4 MiB, environment `FULGURITE_LLM_RECORD_BYTES`.
  package var recordBytes = 4 << 20
  /// The bytes of everything that waits to be recorded; beyond it calls are recorded in part or only counted.
  ///
  /// Default 64 MiB, environment `FULGURITE_LLM_RECORDING_BYTES`.
  package var recordingBytes = 64 << 20
  /// The number of concurrent requests.
  ///
  /// Default 1024, environment `FULGURITE_LLM_REQUESTS`.
  package var requests = 1024
  /// The number of concurrent requests of one client key; 0 means no limit.
  ///
  /// Default 0, environment `FULGURITE_LLM_REQUESTS_PER_KEY`.
  package var requestsPerKey = 0
  /// What is taken out of requests and answers before they are recorded.
  package var redact = Redaction()
  /// Whether clients may ask with `x-no-record: 1` that a call is not recorded.
  ///
  /// Default false, environment `FULGURITE_LLM_ALLOW_NO_RECORD`.
  package var allowsNoRecord = false
  /// Whether client keys may stand in paths, as `/s/KEY/v1/...`.
  ///
  /// Default false, environment `FULGURITE_LLM_KEYS_IN_PATHS`.
  package var allowsKeysInPaths = false
  /// How long the key of a session is good.
  ///
  /// Default 24 h, environment `FULGURITE_LLM_SESSION_KEY_TTL`.
  package var sessionKeyLifetime = Duration.seconds(86_400)
  /// How long a session may stay without a request.
  ///
  /// Default 1 h, environment `FULGURITE_LLM_SESSION_IDLE`.
  package var sessionIdle = Duration.seconds(3600)
  /// The number of open sessions.
  ///
  /// Default 4096, environment `FULGURITE_LLM_SESSIONS`.
  package var sessions = 4096

  /// The defaults.
  package init() {}
}

extension LLMConfiguration {
  /// What is taken out of requests and answers before they are recorded.
  package struct Redaction: Sendable, Equatable {
    /// JSON pointers ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) to values of bodies that are left out.
    ///
    /// Default none, environment `FULGURITE_LLM_REDACT_POINTERS`.
    package var pointers: [String] = []
    /// Regular expressions for parts of texts that are left out.
    ///
    /// Default none, environment `FULGURITE_LLM_REDACT_PATTERNS`.
    package var patterns: [String] = []

    /// The defaults.
    package init() {}
  }
}
