internal import Credentials
internal import Spelling

extension LoadedConfiguration {
  /// Checks what the options of the proxy ask of each other.
  func llmProblems() -> [ConfigurationProblem] {
    lonelyListener() + missingURLs() + unknownDefault() + namesakes() + prefixes() + doubleModels() + knownKeys()
  }

  /// An address for a proxy that has nowhere to send requests.
  private func lonelyListener() -> [ConfigurationProblem] {
    let option = "listen.llm_proxy"
    let isAsked = source(of: option) != .default && !values.listen.llmProxy.isEmpty
    guard isAsked, values.llm.upstreams.isEmpty else { return [] }
    return [
      problem(
        option,
        "the proxy has no upstream; add one with --set llm.upstreams.NAME.base_url=URL, such as "
          + "llm.upstreams.openai.base_url=https://api.openai.com, or in the file")
    ]
  }

  private func missingURLs() -> [ConfigurationProblem] {
    values.llm.upstreams.filter(\.baseURL.isEmpty).map { upstream in
      let message = "is needed: the address of the upstream, such as https://api.openai.com"
      return ConfigurationProblem(
        source: source(of: upstream), option: "\(upstream.section).base_url", message: message)
    }
  }

  private func unknownDefault() -> [ConfigurationProblem] {
    let name = values.llm.defaultUpstream
    guard !name.isEmpty, values.llm.upstream(named: name) == nil else { return [] }
    let suggestion = Spelling.suggestion(for: name, in: values.llm.upstreams.map(\.name))
    return [problem("llm.default_upstream", "there is no upstream \(quote(name))\(suggestion)")]
  }

  /// Names that environment variables cannot tell apart.
  private func namesakes() -> [ConfigurationProblem] {
    duplicates(of: { $0.name.replacing("-", with: "_") }).map { upstream, other in
      let message = "the environment variables of \(other.name) have the same names; choose another name"
      return ConfigurationProblem(source: source(of: upstream), option: upstream.section, message: message)
    }
  }

  private func prefixes() -> [ConfigurationProblem] {
    let taken = duplicates(of: \.prefix).map { upstream, other in
      prefixProblem(upstream, "\(upstream.prefix) is already taken by \(other.name)")
    }
    let reserved = values.llm.upstreams.filter { Self.reservedPrefixes.contains($0.prefix) }.map { upstream in
      prefixProblem(upstream, "\(upstream.prefix) begins other paths of the proxy; set another prefix")
    }
    return taken + reserved
  }

  private func prefixProblem(_ upstream: UpstreamConfiguration, _ message: String) -> ConfigurationProblem {
    let option = "\(upstream.section).prefix"
    return ConfigurationProblem(source: sources[option] ?? source(of: upstream), option: option, message: message)
  }

  private func doubleModels() -> [ConfigurationProblem] {
    values.llm.upstreams.flatMap { upstream in
      var seen: Set<String> = []
      return upstream.models.filter { !seen.insert($0.alias).inserted }.map { model in
        problem("\(upstream.section).models", "\(quote(model.alias)) is there twice")
      }
    }
  }

  /// Keys that everybody knows, on a proxy that others reach.
  private func knownKeys() -> [ConfigurationProblem] {
    values.auth.knownKeyProblems().map { problem($0.option ?? "", $0.message) }
  }

  /// The upstreams that share something with one before them.
  private func duplicates<Key: Hashable>(of key: (UpstreamConfiguration) -> Key)
    -> [(UpstreamConfiguration, UpstreamConfiguration)]
  {
    var first: [Key: UpstreamConfiguration] = [:]
    return values.llm.upstreams.compactMap { upstream in
      if let other = first[key(upstream)] { return (upstream, other) }
      first[key(upstream)] = upstream
      return nil
    }
  }

  /// Where the upstream comes from: its address, or what else is set of it.
  private func source(of upstream: UpstreamConfiguration) -> ConfigurationSource {
    let others = sources.filter { $0.key.hasPrefix(upstream.section + ".") }.sorted { $0.key < $1.key }
    return sources["\(upstream.section).base_url"] ?? others.first?.value ?? .default
  }

  /// The first segments of the proxy's own paths, of APIs that clients ask without `/v1`, and of what every listener
  /// answers.
  private static let reservedPrefixes: Set = [
    "/v1", "/v1beta", "/v2", "/rollout", "/s", "/rl", "/proxy", "/export_trajectories", "/chat", "/completions",
    "/responses", "/embeddings", "/models", "/messages", "/health", "/healthz", "/readyz", "/livez", "/metrics",
  ]
}
