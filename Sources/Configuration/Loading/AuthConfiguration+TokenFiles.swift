internal import Credentials

extension AuthConfiguration {
  /// Whether some of the tokens come from files.
  package var hasTokenFiles: Bool { Self.sections.contains { !self[keyPath: $0.tokens].tokenFile.isEmpty } }

  /// Reads the token files of a loaded configuration again.
  ///
  /// - Throws: What is wrong with any of them, without their contents.
  package func readingTokenFilesAgain() throws(ConfigurationError) -> AuthConfiguration {
    var fresh = self
    var problems: [ConfigurationProblem] = []
    for (option, property) in Self.sections {
      let path = self[keyPath: property].tokenFile
      guard !path.isEmpty else { continue }
      switch readTokenFile(path) {
      case .success(let tokens): fresh[keyPath: property].fileTokens = tokens
      case .failure(let error):
        problems.append(
          ConfigurationProblem(source: .default, option: "\(option).token_file", message: error.description))
      }
    }
    if problems.isEmpty { problems = fresh.knownKeyProblems() }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return fresh
  }

  /// The sections with tokens, by the paths of their options.
  static var sections: [(path: String, tokens: WritableKeyPath<AuthConfiguration, RouteTokens>)] {
    [("auth.ingest", \.ingest), ("auth.api", \.api), ("auth.llm", \.llm), ("auth.llm_admin", \.llmAdmin)]
  }
}
