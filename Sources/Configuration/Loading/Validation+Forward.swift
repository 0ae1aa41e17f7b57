extension LoadedConfiguration {
  /// Checks what the options of forwarding ask of each other.
  func forwardProblems() -> [ConfigurationProblem] {
    values.forward.targets.flatMap(problems(of:)) + forwardNamesakes()
  }

  private func problems(of target: ForwardTargetConfiguration) -> [ConfigurationProblem] {
    var problems: [ConfigurationProblem] = []
    func add(_ word: String, _ message: String) {
      let option = "\(target.section).\(word)"
      let source = sources[option] ?? self.source(of: target)
      problems.append(ConfigurationProblem(source: source, option: option, message: message))
    }
    if target.endpoint.isEmpty {
      add("endpoint", "is needed: the address of the target, such as http://localhost:4317")
    }
    if target.certificateFile.isEmpty != target.keyFile.isEmpty {
      add(target.keyFile.isEmpty ? "key_file" : "cert_file", "is needed: a certificate and its key go together")
    }
    let usesFiles = !(target.caFile + target.certificateFile).isEmpty
    if usesFiles, !target.endpoint.isEmpty, !target.endpoint.isSecure {
      add("endpoint", "has certificates, but no TLS: write https://")
    }
    if target.longestRetry < target.firstRetry {
      add("retry_max", "is less than \(target.section).retry_initial")
    }
    return problems
  }

  /// Names that environment variables cannot tell apart.
  private func forwardNamesakes() -> [ConfigurationProblem] {
    var first: [String: String] = [:]
    return values.forward.targets.compactMap { target in
      let spelled = target.name.replacing("-", with: "_")
      guard let other = first.updateValue(target.name, forKey: spelled) else { return nil }
      let message = "the environment variables of \(other) have the same names; choose another name"
      return ConfigurationProblem(source: source(of: target), option: target.section, message: message)
    }
  }

  /// Where the target comes from: its address, or what else is set of it.
  private func source(of target: ForwardTargetConfiguration) -> ConfigurationSource {
    let others = sources.filter { $0.key.hasPrefix(target.section + ".") }.sorted { $0.key < $1.key }
    return sources["\(target.section).endpoint"] ?? others.first?.value ?? .default
  }
}
