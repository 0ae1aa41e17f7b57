package import GenAI

/// A provider that the proxy may call, as it was configured.
package struct Upstream: Sendable {
  /// The API that a provider speaks.
  package enum Family: String, Sendable, CaseIterable {
    case openai, anthropic, gemini
  }

  /// The name in the configuration.
  package var name: String
  /// The first path segment that selects it, such as `/openai`.
  package var prefix: String
  /// `http` or `https`, without a slash at the end.
  package let baseURL: String
  package let family: Family
  let versionRule: VersionRule
  /// The value of `gen_ai.provider.name`.
  package var provider: String
  package var serverAddress: String
  package var serverPort: Int
  /// The credential of the provider; `nil` passes on that of the client.
  package var key: UpstreamKey?
  /// What clients call a model, and what the provider does; none means that any model is passed on.
  package var models: [(alias: String, model: String)] = []
  /// Asks for the ids of the tokens (vLLM).
  package var asksForTokenIDs = false
  /// Asks for the probabilities of the tokens.
  package var asksForLogprobs = false
  /// Asks for the usage in streams, and keeps the record with it from clients that did not.
  package var asksForUsage = false
  /// Sends the trace context on.
  package var propagatesTraceContext = false
  package var level = RecordingOptions.Level.content
  /// PEM file; `nil` means the certificates of the system.
  package var certificateFile: String?
  /// Further paths that are passed through, with all below them.
  package var paths: [String] = []
  package var connectTimeout = Duration.seconds(10)
  /// Until the header fields of an answer.
  package var headTimeout = Duration.seconds(600)
  /// Between bytes of an answer.
  package var idleTimeout = Duration.seconds(600)
  /// How often a request is sent again before the first byte of an answer.
  package var retries = 0

  package init(
    name: String, baseURL: String, family: Family, provider: String, serverAddress: String, serverPort: Int
  ) {
    self.name = name
    prefix = "/" + name
    self.baseURL = baseURL
    self.family = family
    versionRule = VersionRule(baseURL: baseURL, family)
    self.provider = provider
    self.serverAddress = serverAddress
    self.serverPort = serverPort
  }
}

/// The credential of a provider; never shown.
package struct UpstreamKey: Sendable, CustomStringConvertible, CustomReflectable {
  let text: String

  package init(_ text: String) { self.text = text }

  package var description: String { "(key, not shown)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
