extension ConfigurationLoader {
  /// Finds what the targets of forwarding only point to: their headers and certificates.
  mutating func resolveForwardTargets() {
    for target in loaded.values.forward.targets {
      resolveHeaders(of: target)
      resolveFile(of: target, \.caFile, "ca_file")
      resolveFile(of: target, \.certificateFile, "cert_file")
      resolveFile(of: target, \.keyFile, "key_file", .ownerAlone)
    }
  }

  private mutating func resolveHeaders(of target: ForwardTargetConfiguration) {
    switch (target.headersVariable, target.headersFile) {
    case ("", ""): return
    case (let variable, ""): readHeaders(of: target, variable: variable)
    case ("", let file): readHeaders(of: target, file: file)
    default: report("\(target.section).headers_file", "there is headers_env as well; set one of them only")
    }
  }

  private mutating func readHeaders(of target: ForwardTargetConfiguration, variable: String) {
    let option = "\(target.section).headers_env"
    guard let text = environment[variable], !text.isEmpty else {
      return report(option, "the environment variable \(variable) is not set or empty")
    }
    guard let headers = HeaderSetting.list(text) else {
      return report(
        option,
        "the environment variable \(variable) holds no headers: expected NAME=VALUE with commas between (the content is "
          + "not shown)")
    }
    loaded.values.forward[target: target.name].secretHeaders = headers
  }

  private mutating func readHeaders(of target: ForwardTargetConfiguration, file: String) {
    let option = "\(target.section).headers_file"
    guard let path = UserPaths(environment: environment).expand(file) else {
      return report(option, "no home directory is known (HOME is not set); write the whole path")
    }
    switch readWholeFile(path, isSystemdCredential(path) ? .any : .ownerAlone) {
    case .success(let bytes):
      guard let headers = HeaderSetting.lines(String(decoding: bytes, as: UTF8.self)) else {
        return report(option, "\(path) holds no headers: expected NAME: VALUE on each line (the content is not shown)")
      }
      loaded.values.forward[target: target.name].headersFile = path
      loaded.values.forward[target: target.name].secretHeaders = headers
    case .failure(let error): report(option, "\(path) \(error)")
    }
  }

  private mutating func resolveFile(
    of target: ForwardTargetConfiguration, _ property: WritableKeyPath<ForwardTargetConfiguration, String>,
    _ word: String, _ access: FileAccess = .any
  ) {
    let (configured, option) = (target[keyPath: property], "\(target.section).\(word)")
    guard !configured.isEmpty else { return }
    guard let path = UserPaths(environment: environment).expand(configured) else {
      return report(option, "no home directory is known (HOME is not set); write the whole path")
    }
    loaded.values.forward[target: target.name][keyPath: property] = path
    if case .failure(let error) = readWholeFile(path, isSystemdCredential(path) ? .any : access) {
      report(option, "\(path) \(error)")
    }
  }
}
