internal import Credentials

extension ConfigurationLoader {
  /// Finds the API key of an upstream, where the configuration says that it is.
  mutating func resolveAPIKey(of upstream: UpstreamConfiguration) {
    switch (upstream.apiKeyVariable, upstream.apiKeyFile) {
    case ("", ""): return
    case (let variable, ""): readKey(of: upstream.name, variable: variable, "\(upstream.section).api_key_env")
    case ("", let file): readKey(of: upstream.name, file: file, "\(upstream.section).api_key_file")
    default: report("\(upstream.section).api_key_file", "there is api_key_env as well; set one of them only")
    }
  }

  private mutating func readKey(of name: String, variable: String, _ option: String) {
    guard let text = environment[variable], !text.isEmpty else {
      return report(option, "the environment variable \(variable) is not set or empty")
    }
    guard let key = Secret(text) else {
      return report(option, "the environment variable \(variable) holds no key: \(Self.keyExpectation)")
    }
    loaded.values.llm[upstream: name].apiKey = key
  }

  private mutating func readKey(of name: String, file: String, _ option: String) {
    guard let path = UserPaths(environment: environment).expand(file) else {
      return report(option, "no home directory is known (HOME is not set); write the whole path")
    }
    let access: FileAccess = isSystemdCredential(path) ? .any : .ownerAlone
    switch readWholeFile(path, access) {
    case .success(let bytes):
      guard let key = Secret(String(decoding: bytes, as: UTF8.self)) else {
        return report(option, "\(path) holds no key: \(Self.keyExpectation)")
      }
      loaded.values.llm[upstream: name].apiKeyFile = path
      loaded.values.llm[upstream: name].apiKey = key
    case .failure(let error): report(option, "\(path) \(error)")
    }
  }

  /// Whether systemd put the file there for this service alone
  /// ([credentials](https://systemd.io/CREDENTIALS/)); its access lists show as a mode for the group.
  func isSystemdCredential(_ path: String) -> Bool {
    guard let folder = environment["CREDENTIALS_DIRECTORY"], folder.hasPrefix("/") else { return false }
    let name = path.dropFirst(folder.count)
    return path.hasPrefix(folder) && name.hasPrefix("/") && isPath(name)
  }

  private static let keyExpectation = "expected one line of visible ASCII characters (the content is not shown)"
}
