extension LLMConfiguration {
  static let options = proxyOptions + recordingOptions + limitOptions + sessionOptions

  private static let proxyOptions = [
    ConfigurationOption(
      "llm.default_upstream", \.llm.defaultUpstream, .nameOrNothing,
      "The upstream of requests that select none by a path prefix or a model, unless just one upstream speaks the API of "
        + "the request: then it is that one. Empty means the only upstream there is; with several the request is "
        + "refused."),
    ConfigurationOption(
      "llm.trust_trace_context", \.llm.trustTraceContext, .word(),
      "Whose traceparent makes the span of a call a child of the caller's span: always (everybody's), trusted (that of "
        + "callers who have shown a key, or who are on this machine while no key is needed) or never. Otherwise a new "
        + "trace begins, with a link to the caller's span."),
    ConfigurationOption(
      "llm.session_header", \.llm.sessionHeaders, .headerNames,
      "The headers that may name the session of a request; the first of them that is there counts."),
    ConfigurationOption(
      "llm.drain_on_disconnect", \.llm.drainOnDisconnect, .duration,
      "For how long an answer is read on for recording after its client has left, which costs what the provider charges; "
        + "0 means that the provider's connection is closed at once."),
    ConfigurationOption(
      "llm.max_stream_duration", \.llm.maximumStreamDuration, .positiveDuration,
      "How long a call may take, from the request to the last byte of the answer."),
  ]

  private static let recordingOptions = [
    ConfigurationOption(
      "llm.span_profile", \.llm.spanProfile, .word(),
      "Which spans a call becomes: genai (one span by OpenTelemetry's conventions for generative AI) or agl (the tree of "
        + "spans that Agent Lightning's adapters read)."),
    ConfigurationOption(
      "llm.recorded_answer_bytes", \.llm.recordedAnswerBytes, .bytes(1 << 10...1 << 30),
      "The decoded bytes of an answer that are read for recording; what follows is relayed all the same."),
    ConfigurationOption(
      "llm.record_bytes", \.llm.recordBytes, .bytes(1 << 10...1 << 30),
      "The bytes of one record of an event stream that are read for recording."),
    ConfigurationOption(
      "llm.recording_bytes", \.llm.recordingBytes, .bytes(1 << 10...1 << 40),
      "The bytes of everything that waits to be recorded; beyond it calls are recorded in part or only counted, and "
        + "never slowed down. At least llm.recorded_answer_bytes."),
    ConfigurationOption(
      "llm.redact.pointers", \.llm.redact.pointers, .jsonPointers,
      "JSON pointers (RFC 6901) to values of requests and answers that are left out of what is recorded, with the token "
        + "ids and log probabilities of what was changed. In streams they name what they would name in the same answer at "
        + "once; see docs/llm-proxy.md."),
    ConfigurationOption(
      "llm.redact.patterns", \.llm.redact.patterns, .patterns,
      "Regular expressions for parts of texts that are left out of what is recorded, such as sk-[A-Za-z0-9_-]{20,}."),
    ConfigurationOption(
      "llm.allow_no_record", \.llm.allowsNoRecord, .boolean,
      "Whether clients may ask with the header x-no-record: 1 that a call is not recorded."),
  ]

  private static let limitOptions = [
    ConfigurationOption(
      "llm.request_bytes", \.llm.requestBytes, .bytes(1 << 10...1 << 29),
      "The largest body of a request for a provider; larger ones are answered with 413."),
    ConfigurationOption(
      "llm.requests", \.llm.requests, .integer(1...1_000_000),
      "The number of concurrent requests for providers; further ones are answered with 429."),
    ConfigurationOption(
      "llm.requests_per_key", \.llm.requestsPerKey, .integer(0...1_000_000),
      "The number of concurrent requests of one client key; further ones are answered with 429. 0 means no limit."),
  ]

  private static let sessionOptions = [
    ConfigurationOption(
      "llm.keys_in_paths", \.llm.allowsKeysInPaths, .boolean,
      "Whether client keys may stand in paths, as /s/KEY/v1/..., for clients that can only set an address. Paths get "
        + "into the logs of clients and of whatever lies between."),
    ConfigurationOption(
      "llm.session_key_ttl", \.llm.sessionKeyLifetime, .positiveDuration,
      "How long the key of a session is good."),
    ConfigurationOption(
      "llm.session_idle", \.llm.sessionIdle, .positiveDuration,
      "How long a session may stay without a request before it ends."),
    ConfigurationOption(
      "llm.sessions", \.llm.sessions, .integer(1...1_000_000),
      "The number of open sessions; further ones are refused until one ends."),
  ]
}
