internal import Credentials

extension AuthConfiguration {
  /// Whether some of the tokens come from files.
  package var hasTokenFiles: Bool { !ingest.tokenFile.isEmpty || !api.tokenFile.isEmpty }

  /// Reads the token files of a loaded configuration again.
  ///
  /// - Throws: What is wrong with any of them, without their contents.
  package func readingTokenFilesAgain() throws(ConfigurationError) -> AuthConfiguration {
    var fresh = self
    var problems: [ConfigurationProblem] = []
    for (option, property) in [("auth.ingest", \AuthConfiguration.ingest), ("auth.api", \AuthConfiguration.api)] {
      let path = self[keyPath: property].tokenFile
      guard !path.isEmpty else { continue }
      switch readTokenFile(path) {
      case .success(let tokens): fresh[keyPath: property].fileTokens = tokens
      case .failure(let error):
        problems.append(
          ConfigurationProblem(source: .default, option: "\(option).token_file", message: error.description))
      }
    }
    guard problems.isEmpty else { throw ConfigurationError(problems: problems) }
    return fresh
  }
}
