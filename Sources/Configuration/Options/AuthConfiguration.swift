package import Credentials

/// Who may send and who may read.
package struct AuthConfiguration: Sendable, Equatable {
  /// Who may send spans; no token means anyone who reaches the listener.
  package var ingest = RouteTokens()
  /// Who may use the APIs; no token means anyone who reaches the listener.
  package var api = RouteTokens()
  /// Who may ask LLMs through the proxy; no token means anyone who reaches the listener.
  package var llm = RouteTokens()
  /// Who may start sessions, export trajectories and pause the proxy; no token means whoever is on
  /// this machine, as long as clients need none either.
  package var llmAdmin = RouteTokens()
  /// Whether other machines reach the proxy, so that keys which everybody knows are refused; the loader sets it.
  var exposesProxy = false

  /// The defaults.
  package init() {}
}

/// The tokens of one set of routes.
package struct RouteTokens: Sendable, Equatable {
  /// The hashes from the file, the environment or the command line.
  ///
  /// Default none, environment `FULGURITE_AUTH_INGEST_TOKENS`, `FULGURITE_AUTH_API_TOKENS`,
  /// `FULGURITE_AUTH_LLM_TOKENS`, `FULGURITE_AUTH_LLM_ADMIN_TOKENS`.
  package var tokens: [TokenHash] = []
  /// A file of further hashes, one a line; empty means none.
  ///
  /// Default empty, environment `FULGURITE_AUTH_INGEST_TOKEN_FILE`, `FULGURITE_AUTH_API_TOKEN_FILE`,
  /// `FULGURITE_AUTH_LLM_TOKEN_FILE`, `FULGURITE_AUTH_LLM_ADMIN_TOKEN_FILE`.
  package var tokenFile = ""
  /// What the loader read from ``tokenFile``.
  package internal(set) var fileTokens = TokenSet()

  /// The defaults.
  package init() {}

  /// The tokens from everywhere.
  package var all: TokenSet {
    var all = TokenSet(tokens)
    all.formUnion(fileTokens)
    return all
  }
}

extension AuthConfiguration {
  static let options = [
    ConfigurationOption(
      "auth.ingest.tokens", \.auth.ingest.tokens, .tokens,
      "Who may send spans: a list of sha256:HASH, where HASH is the SHA-256 of a bearer token in 64 hexadecimal digits "
        + "(printf %s TOKEN | sha256sum). Empty means anyone who reaches the listener."),
    ConfigurationOption(
      "auth.ingest.token_file", \.auth.ingest.tokenFile, .path,
      "A file with further hashes for auth.ingest.tokens, one a line; # starts a comment. Empty means none. SIGHUP makes "
        + "the server read it again."),
    ConfigurationOption(
      "auth.api.tokens", \.auth.api.tokens, .tokens,
      "Who may use the APIs, written like auth.ingest.tokens."),
    ConfigurationOption(
      "auth.api.token_file", \.auth.api.tokenFile, .path,
      "A file with further hashes for auth.api.tokens; SIGHUP makes the server read it again."),
    ConfigurationOption(
      "auth.llm.tokens", \.auth.llm.tokens, .tokens,
      "Who may ask LLMs through the proxy: the hashes of client keys, written like auth.ingest.tokens. Clients send them "
        + "where they would send the provider's key."),
    ConfigurationOption(
      "auth.llm.token_file", \.auth.llm.tokenFile, .path,
      "A file with further hashes for auth.llm.tokens; SIGHUP makes the server read it again."),
    ConfigurationOption(
      "auth.llm_admin.tokens", \.auth.llmAdmin.tokens, .tokens,
      "Who may start sessions, export trajectories and pause the proxy, written like auth.ingest.tokens. Empty means "
        + "anyone while only this machine reaches the proxy, else nobody."),
    ConfigurationOption(
      "auth.llm_admin.token_file", \.auth.llmAdmin.tokenFile, .path,
      "A file with further hashes for auth.llm_admin.tokens; SIGHUP makes the server read it again."),
  ]
}
