internal import Arguments

/// Which addresses are listened on.
///
/// Every listener speaks every protocol; what differs is the set of routes, and with it who may come in.
package struct ListenConfiguration: Sendable, Equatable {
  /// Where OTLP/HTTP is expected; none means off.
  ///
  /// Default `localhost:4318`, environment `FULGURITE_LISTEN_OTLP_HTTP`.
  package var otlpHTTP = [ListenAddress.localhost(4318)]
  /// Where OTLP/gRPC is expected; none means off.
  ///
  /// Default `localhost:4317`, environment `FULGURITE_LISTEN_OTLP_GRPC`.
  package var otlpGRPC = [ListenAddress.localhost(4317)]
  /// Where the APIs of Fulgurite and of Agent Lightning are served, and OTLP as well; none means off.
  ///
  /// Default `localhost:4747`, environment `FULGURITE_LISTEN_API`.
  package var api = [ListenAddress.localhost(4747)]
  /// Where the LLM proxy is served once there is an upstream; none means off.
  ///
  /// Default `localhost:4000`, environment `FULGURITE_LISTEN_LLM_PROXY`.
  package var llmProxy = [ListenAddress.localhost(4000)]
  /// Whether listeners that other machines reach need no tokens.
  ///
  /// Default false, environment `FULGURITE_LISTEN_INSECURE`, flag `--insecure-listen`.
  package var insecure = false

  /// The defaults.
  package init() {}
}

extension ListenConfiguration {
  static let options = [
    ConfigurationOption(
      "listen.otlp_http", \.listen.otlpHTTP, .addresses,
      "Where OTLP/HTTP is expected: HOST:PORT or a list of them; empty means off. localhost stands for 127.0.0.1 and "
        + "::1, port 0 for a free port. IPv6 addresses are written [::1]:4318.",
      flag: Flag("--otlp-http", value: "HOST:PORT", "expect OTLP/HTTP there")),
    ConfigurationOption(
      "listen.otlp_grpc", \.listen.otlpGRPC, .addresses,
      "Where OTLP/gRPC is expected, written like listen.otlp_http.",
      flag: Flag("--otlp-grpc", value: "HOST:PORT", "expect OTLP/gRPC there")),
    ConfigurationOption(
      "listen.api", \.listen.api, .addresses,
      "Where the APIs of Fulgurite and of Agent Lightning are served (and OTLP as well), written like "
        + "listen.otlp_http.",
      flag: Flag("--api", value: "HOST:PORT", "serve the APIs there")),
    ConfigurationOption(
      "listen.llm_proxy", \.listen.llmProxy, .addresses,
      "Where the LLM proxy is served, written like listen.otlp_http. Without an upstream (llm.upstreams) nothing is "
        + "listened on, and setting an address is an error.",
      flag: Flag("--llm-proxy", value: "HOST:PORT", "serve the LLM proxy there; it needs an upstream")),
    ConfigurationOption(
      "listen.insecure", \.listen.insecure, .boolean,
      "Whether listeners that other machines can reach may do without tokens. Anyone who reaches them can then write "
        + "and read; a warning is logged at every start.",
      flag: Flag("--insecure-listen", "let other machines in without tokens")),
  ]
}
