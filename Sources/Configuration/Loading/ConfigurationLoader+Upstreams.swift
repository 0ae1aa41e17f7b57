extension ConfigurationLoader {
  /// Finds what the upstreams only point to: their keys and certificate authorities.
  mutating func resolveUpstreams() {
    for upstream in loaded.values.llm.upstreams {
      resolveAPIKey(of: upstream)
      resolveAuthorities(of: upstream)
    }
  }

  private mutating func resolveAuthorities(of upstream: UpstreamConfiguration) {
    let option = "\(upstream.section).ca_file"
    guard !upstream.caFile.isEmpty else { return }
    guard let path = UserPaths(environment: environment).expand(upstream.caFile) else {
      return report(option, "no home directory is known (HOME is not set); write the whole path")
    }
    loaded.values.llm[upstream: upstream.name].caFile = path
    if case .failure(let error) = readWholeFile(path) { report(option, "\(path) \(error)") }
  }
}
