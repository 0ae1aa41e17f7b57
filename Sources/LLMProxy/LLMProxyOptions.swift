package import GenAI

/// How the proxy behaves.
package struct LLMProxyOptions: Sendable {
  /// Whose trace context a call continues.
  package enum Trust: String, Sendable, CaseIterable {
    /// Everybody's.
    case always
    /// Of callers that showed a key, or are on this machine while no keys are configured.
    case trusted
    /// Nobody's: every call begins a trace.
    case never
  }

  package var upstreams: [Upstream] = []
  /// The upstream of requests that select none.
  package var defaultUpstream: String?
  package var trust = Trust.trusted
  /// Header fields that name a session, in lower case; the first that a request has counts.
  package var sessionHeaders = ["agent-session-id", "x-session-id"]
  /// How long an answer is read to its end after the client has left; zero ends it at once.
  package var drainTime = Duration.zero
  package var maximumStreamDuration = Duration.seconds(3600)
  /// The largest body of a request, in bytes.
  package var requestBytes = 32 << 20
  /// What of calls is recorded; the upstream decides the level.
  package var recording = RecordingOptions()
  /// Calls at once.
  package var maximumRequests = 1024
  /// Calls at once with one key; 0 = as many as there may be.
  package var maximumRequestsPerKey = 0
  /// Whether `x-no-record: 1` keeps a call out of the store.
  package var allowsNoRecord = false
  /// Whether paths may start with `/s/KEY`.
  package var allowsKeysInPaths = false

  package init() {}
}
