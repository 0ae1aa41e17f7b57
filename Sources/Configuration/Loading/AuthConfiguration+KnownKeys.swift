internal import Credentials

extension AuthConfiguration {
  /// The default admin key of [AReaL](https://github.com/inclusionAI/AReaL).
  private static let knownKeys = ["areal-admin-key"]

  /// Refuses the keys of examples, with which others would come in where they reach the proxy.
  func knownKeyProblems() -> [ConfigurationProblem] {
    guard exposesProxy else { return [] }
    return [("auth.llm", llm), ("auth.llm_admin", llmAdmin)].flatMap { section, tokens in
      Self.knownKeys.filter { tokens.all.accepts(bearer: $0) }.map { key in
        let option = tokens.fileTokens.accepts(bearer: key) ? "\(section).token_file" : "\(section).tokens"
        let message = "everybody knows the key \(key), and other machines reach the proxy; make one of your own"
        return ConfigurationProblem(source: .default, option: option, message: message)
      }
    }
  }
}
